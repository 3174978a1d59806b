"""What protected applications are told about who comes: four headers, plain ASCII each."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from auth_service.model.users import User

REMOTE_USER: Final = "Remote-User"
REMOTE_EMAIL: Final = "Remote-Email"
REMOTE_NAME: Final = "Remote-Name"
REMOTE_GROUPS: Final = "Remote-Groups"

NOBODY: Final[Mapping[str, str]] = dict.fromkeys((REMOTE_USER, REMOTE_EMAIL, REMOTE_NAME, REMOTE_GROUPS), "")
"""Sent with each refusal: a header that is there, though empty, lets no proxy pass on a client's own."""

_PLAIN: Final = "".join(chr(code) for code in range(0x20, 0x7F) if chr(code) != "%")


def remote_headers(user: User) -> Mapping[str, str]:
    """Name someone for an application behind the proxy: id, address, name and what they may do here.

    Values are UTF-8, percent-encoded (RFC 3986, section 2.1) where they are no printable ASCII, and so is `%`
    itself; spaces and `@` stay. The group is `admin` for administrators and `member` for everyone else.
    """
    return {
        REMOTE_USER: str(user.id),
        REMOTE_EMAIL: _in_ascii(user.email),
        REMOTE_NAME: _in_ascii(user.name),
        REMOTE_GROUPS: "admin" if user.is_administrator else "member",
    }


def _in_ascii(text: str) -> str:
    return quote(text, safe=_PLAIN)
