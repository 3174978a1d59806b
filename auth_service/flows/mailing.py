"""What a challenge mails: a code, a link or both, as an event in the outbox."""

from pydantic import SecretStr

from auth_service.model.challenges import Challenge
from auth_service.model.links import sign_in_link
from auth_service.model.rules import LoginRules
from auth_service.model.users import Status, User
from auth_service.storage.unit import UnitOfWork
from contracts.events import AnyEvent, MagicLinkRequested, OtpRequested, UnknownAddressChallenged
from contracts.facts import (
    EventData,
    MagicLinkRequestedData,
    OtpRequestedData,
    UnknownAddressChallengedData,
)
from contracts.identifiers import new_id
from contracts.sealing import LoginCode, LoginLink, Recipient, Sealer


async def mail(
    challenge: Challenge,
    *,
    address: str,
    code: str,
    link_token: str | None,
    user: User | None,
    unit: UnitOfWork,
    rules: LoginRules,
    sealer: Sealer,
) -> None:
    """Mail a challenge's answer to `address`, or nothing where `user` is nobody: the same writes either way.

    Each mail has a link of its own, if any, and `code` is the same in all of them.
    """
    link = None if link_token is None else sign_in_link(link_token, page=rules.link_page)
    # By name only where that person has shown to read this mail: what others type is not mailed to strangers.
    proved = user is not None and user.status is not Status.UNVERIFIED and user.email == address
    recipient = Recipient(
        address=address,
        name=user.name if user is not None and proved else "",
        locale=challenge.locale,
        administrator=user is not None and user.is_administrator,
    )
    event_id = new_id()
    box = _box(challenge, recipient=recipient, code=code, link=link, decoy=user is None)
    event, data = _fact(challenge, user=user, sealed=sealer.seal(box, event_id=event_id))
    await unit.outbox.append(
        event,
        event_id=event_id,
        data=data,
        subject=None if user is None else user.id,
        sequence=0 if user is None else user.version,
        expires_at=challenge.expires_at,
    )


def _box(
    challenge: Challenge, *, recipient: Recipient, code: str, link: str | None, decoy: bool
) -> LoginCode | LoginLink:
    """Lay down what is mailed; what stands for it in a decoy is as long."""
    if link is not None and not decoy:
        beside = SecretStr(code) if challenge.mails_code else None
        return LoginLink(recipients=(recipient,), link=SecretStr(link), code=beside)
    return LoginCode(
        recipients=(recipient,), code=SecretStr(code), link=None if link is None else SecretStr(link)
    )


def _fact(challenge: Challenge, *, user: User | None, sealed: str) -> tuple[type[AnyEvent], EventData]:
    """Tell what was asked for, and by whom if they are anybody."""
    locale, challenge_id = challenge.locale, challenge.id
    if user is None:
        return UnknownAddressChallenged, UnknownAddressChallengedData(
            locale=locale, sealed=sealed, challenge_id=challenge_id
        )
    if challenge.mails_link:
        return MagicLinkRequested, MagicLinkRequestedData(
            locale=locale, sealed=sealed, user_id=user.id, challenge_id=challenge_id
        )
    return OtpRequested, OtpRequestedData(
        locale=locale,
        sealed=sealed,
        user_id=user.id,
        challenge_id=challenge_id,
        purpose=challenge.purpose,
    )
