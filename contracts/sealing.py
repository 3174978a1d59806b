"""Sealed boxes: what an event tells about its recipients, readable only with a sealing key.

A box is a Fernet token (AES-128-CBC and HMAC-SHA-256, the Fernet specification of the `cryptography`
project). The id of its event is sealed in with the contents, so a box copied into another event is refused.
"""

import json
import re
from collections.abc import Sequence
from typing import Any, Final, TypeVar
from uuid import UUID

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError


class BoxRefused(Exception):
    """A sealed box cannot be used; `reason` is a stable word for logs, metrics and dead letters."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class Recipient(BaseModel):
    """One person a mail goes to; an administrator's mail is sent even where mail to them came back."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    address: str
    name: str
    locale: str = "en"
    administrator: bool = False


class Contents(BaseModel):
    """What every box holds: who gets the mail, one mail each."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    recipients: tuple[Recipient, ...]


class LoginCode(Contents):
    """A one-time code on its way to the person who asked for it.

    `link` is there in decoys only, which are as long as what they stand for.
    """

    code: SecretStr
    link: SecretStr | None = None


class LoginLink(Contents):
    """A sign-in link on its way to the person who asked for it; with the code too where either will do."""

    link: SecretStr
    code: SecretStr | None = None


class Reasoned(Contents):
    """A decision about someone, with what the administrator says about it, if anything."""

    reason: str | None = None


class Invitation(Contents):
    """Someone invited, and by whom, as that person is called."""

    invited_by: str


class AddressMove(Contents):
    """The address that someone's account has from now on; the recipient is the one it had."""

    new_address: str


class NewSignIn(Contents):
    """Whence someone signed in: what their browser is called, and its network address."""

    device: str
    client_address: str


class Newcomer(Contents):
    """The person who registered, told to the administrators."""

    address: str
    name: str


C = TypeVar("C", bound=Contents)

_KEY: Final = re.compile(r"[A-Za-z0-9_-]{43}=")


class Sealer:
    """Seals with the first key and opens with any of them, so that keys can be rotated under way.

    Raises `ValueError` when there is no key, or one is not 32 url-safe base64 bytes.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        if not keys:
            raise ValueError("at least one sealing key is needed")
        # The library ignores what follows the padding: two keys without a comma would pass for one.
        if not all(_KEY.fullmatch(key) for key in keys):
            raise ValueError("a sealing key is not 32 bytes in url-safe base64")
        self._fernet = MultiFernet([Fernet(key) for key in keys])

    def seal(self, contents: Contents, *, event_id: UUID) -> str:
        """Lock `contents` to the event `event_id`."""
        plain = {"event_id": str(event_id), "contents": _in_clear(contents)}
        return self._fernet.encrypt(json.dumps(plain).encode()).decode()

    def open(self, box: str, contents: type[C], *, event_id: UUID) -> C:
        """Read a box. Raises `BoxRefused`: no key fits, it belongs to another event, or it lacks a part."""
        try:
            plain = self._fernet.decrypt(box)
        except (InvalidToken, ValueError):  # ValueError: a box with a character that base64 never has
            raise BoxRefused("box_unopenable", "no sealing key opens the box, or it was altered") from None
        try:
            sealed = _Sealed.model_validate_json(plain)
            if sealed.event_id != event_id:
                raise BoxRefused("box_copied", "the box was sealed for another event")
            return contents.model_validate(sealed.contents)
        except ValidationError as invalid:
            where = ", ".join(".".join(map(str, fault["loc"])) for fault in invalid.errors())
            raise BoxRefused("box_malformed", f"the box lacks or misstates: {where or 'all'}") from None


class _Sealed(BaseModel):
    """A box from inside: the event it belongs to, and what it tells."""

    event_id: UUID
    contents: dict[str, Any]


def new_key() -> str:
    """Make a sealing key: 32 random bytes, url-safe base64."""
    return Fernet.generate_key().decode()


def _in_clear(contents: Contents) -> dict[str, object]:
    """Dump contents with their secrets, which `model_dump` would mask."""
    return {
        name: value.get_secret_value() if isinstance(value, SecretStr) else value
        for name, value in contents.model_dump(mode="python").items()
    }
