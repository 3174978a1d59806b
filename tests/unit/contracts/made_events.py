"""Made-up events and box contents: one of each, and Hypothesis strategies for all there can be."""

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

from hypothesis import strategies as st
from pydantic import SecretStr

from contracts import events, facts, sealing
from contracts.events import EVENT_TYPES, AnyEvent, OtpRequested
from contracts.facts import EventData, OtpRequestedData
from contracts.sealing import Contents, LoginCode, Recipient

WHEN = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
EVENT_ID = UUID("019b7ca9-8f2e-71aa-8012-3456789ab00a")
SOMEONE = UUID("019b7783-332e-71a1-8012-3456789ab001")


def an_otp_request(*, sealed: str = "a box") -> OtpRequested:
    """Make the same request for a code each time."""
    return OtpRequested(
        id=EVENT_ID,
        subject=str(SOMEONE),
        time=WHEN,
        sequence="7",
        expirytime=WHEN + timedelta(minutes=10),
        traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        data=OtpRequestedData(locale="pt_BR", sealed=sealed, user_id=SOMEONE, challenge_id=EVENT_ID),
    )


def a_login_code(code: str = "042137") -> LoginCode:
    """Make the box of a code for one person."""
    someone = Recipient(address="zofia@example.org", name="Zofia Łukasińska", locale="pl")
    return LoginCode(recipients=(someone,), code=SecretStr(code))


unicode_text = st.text()
zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
instants = st.datetimes(min_value=datetime(1970, 1, 2), max_value=datetime(9998, 1, 1), timezones=zones)  # noqa: DTZ001 - Hypothesis takes naive bounds
traceparents = st.from_regex(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(-.{1,9})?", fullmatch=True)
recipients = st.builds(
    Recipient, address=unicode_text, name=unicode_text, locale=unicode_text, administrator=st.booleans()
)
addressed = st.lists(recipients, max_size=4).map(tuple)

secrets = unicode_text.map(SecretStr)

parts: dict[type[Contents], dict[str, st.SearchStrategy[SecretStr | str | None]]] = {
    Contents: {},
    LoginCode: {"code": secrets, "link": st.none() | secrets},
    sealing.LoginLink: {"link": secrets, "code": st.none() | secrets},
    sealing.Newcomer: {"address": unicode_text, "name": unicode_text},
    sealing.Reasoned: {"reason": st.none() | unicode_text},
    sealing.Invitation: {"invited_by": unicode_text},
    sealing.AddressMove: {"new_address": unicode_text},
    sealing.NewSignIn: {"device": unicode_text, "client_address": unicode_text},
}
contents: dict[type[Contents], st.SearchStrategy[Contents]] = {
    box: st.builds(box, recipients=addressed, **part) for box, part in parts.items()
}

data: dict[type[AnyEvent], type[EventData]] = {
    OtpRequested: OtpRequestedData,
    events.MagicLinkRequested: facts.MagicLinkRequestedData,
    events.UnknownAddressChallenged: facts.UnknownAddressChallengedData,
    events.UserRegistered: facts.UserRegisteredData,
    events.AccountApproved: facts.AccountApprovedData,
    events.AccountRejected: facts.AccountRejectedData,
    events.AccountSuspended: facts.AccountSuspendedData,
    events.AccountReinstated: facts.AccountReinstatedData,
    events.AccountDeleted: facts.AccountDeletedData,
    events.UserInvited: facts.UserInvitedData,
    events.AddressChanged: facts.AddressChangedData,
    events.UserSignedIn: facts.UserSignedInData,
    events.SessionsRevoked: facts.SessionsRevokedData,
}


def events_of(event: type[AnyEvent]) -> st.SearchStrategy[AnyEvent]:
    """Make any event of a class."""
    return st.builds(
        event,
        id=st.uuids(),
        source=unicode_text,
        subject=st.none() | unicode_text,
        time=instants,
        sequence=st.integers(0).map(str),
        expirytime=st.none() | instants,
        traceparent=st.none() | traceparents,
        data=st.builds(
            data[event], locale=unicode_text, recipients=st.integers(0, 1000), sealed=unicode_text
        ),
    )


any_event = st.one_of([events_of(event) for event in EVENT_TYPES])
