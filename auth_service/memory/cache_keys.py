"""How keys and fields of the cache are named: alike in every process, and telling nothing about anybody."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from pydantic import TypeAdapter
from pydantic_core import to_jsonable_python

GENERATION: Final = "{auth.cache}:generation"
"""Names the server and what is kept of it; whatever is of another generation is not there."""

USER_PREFIX: Final = "{auth.cache}:user:"
NAME_BYTES: Final = 16
"""128 bits of an HMAC or a hash: enough that no two share a name."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value is: a field of the bundle `key`.

    With `prefix`, `key` is a pointer instead, and the bundle is called `prefix` and what the pointer holds.
    """

    key: str
    field: str
    prefix: str = ""


def user_bundle(user_id: UUID) -> str:
    """Name the bundle of what is known of someone: themselves, and each of their sessions that was seen."""
    return f"{USER_PREFIX}{user_id}"


def list_bundle(model: str) -> str:
    """Name the bundle of all pages and lists made of a model's rows."""
    return f"{{auth.cache}}:lists:{model}"


def token_name(kind: str, token_hash: bytes, *, secret: bytes) -> str:
    """Name a token by an HMAC of its hash: whoever reads names cannot tell that they belong to a token."""
    return _short(hmac.digest(secret, f"{kind}\0".encode() + token_hash, "sha256"))


def session_pointer(token: str) -> str:
    """Name the key that tells whose session the token of that name opens."""
    return f"{{auth.cache}}:session:{token}"


def call_name(function: str, arguments: Mapping[str, object], *, secret: bytes) -> str:
    """Name a call by its function and an HMAC-SHA-256 of its arguments' canonical JSON (RFC 8785 in spirit).

    An HMAC, because arguments hold what people search for. Arguments are what pydantic can write as JSON.
    """
    canonical = json.dumps(to_jsonable_python(arguments), sort_keys=True, separators=(",", ":"))
    return f"{function}:{_short(hmac.digest(secret, canonical.encode(), 'sha256'))}"


def shape_name(shape: TypeAdapter[Any]) -> str:
    """Name the shape of values, so that releases which write them differently do not read each other's."""
    schema = json.dumps(shape.json_schema(), sort_keys=True)
    return _short(hashlib.sha256(schema.encode()).digest()[:6])


def _short(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest[:NAME_BYTES]).rstrip(b"=").decode()
