"""Where a sign-in may lead back to: pages of our own, and sites that the operator named."""

import re
from collections.abc import Set as AbstractSet
from typing import Final
from urllib.parse import urlsplit

RETURN_CHARACTERS_MAX: Final = 2048

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
# Printable ASCII without the backslash: browsers read that as a slash, and drop tabs and line ends unseen.
_PLAIN = re.compile(r"[!-\[\]-~]+")
_ELSEWHERE = re.compile(r"(https?://[^/?#@]+)([/?#].*)?", re.IGNORECASE)


def canonical_origin(url: str) -> str:
    """Write an origin as browsers do (RFC 6454): lower case, without the default port.

    Raises `ValueError` for anything but a scheme, a host and perhaps a port.
    """
    parts = urlsplit(url.lower())
    only_a_place = not (parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc)
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname or not only_a_place:
        raise ValueError("needs a scheme, a host, perhaps a port, and nothing else")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    if parts.port in {None, _DEFAULT_PORTS[parts.scheme]}:
        return f"{parts.scheme}://{host}"
    return f"{parts.scheme}://{host}:{parts.port}"


def safe_return(return_to: str | None, *, own_origin: str, return_origins: AbstractSet[str]) -> str | None:
    """Give where to go after a sign-in; None where `return_to` leads anywhere that was not agreed upon.

    A path of our own (`/account`) stays one. A whole address must have exactly our own origin or one of
    `return_origins`, which are canonical. What browsers read otherwise than it looks is refused: `//host`,
    backslashes, control characters, spaces, names before an `@`.
    """
    if return_to is None or len(return_to) > RETURN_CHARACTERS_MAX or not _PLAIN.fullmatch(return_to):
        return None
    if return_to.startswith("/"):
        return None if return_to.startswith("//") else return_to
    found = _ELSEWHERE.fullmatch(return_to)
    if found is None:
        return None
    try:
        origin = canonical_origin(found[1])
    except ValueError:
        return None
    if origin != own_origin and origin not in return_origins:
        return None
    return f"{origin}{found[2] or '/'}"
