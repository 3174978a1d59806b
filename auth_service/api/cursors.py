"""Where a page of a list begins: opaque, so that its meaning may change."""

import base64
import binascii
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field


def written(before: UUID | None) -> str | None:
    """Write where the next page begins; None where there is none."""
    return None if before is None else base64.urlsafe_b64encode(before.bytes).rstrip(b"=").decode()


def read(cursor: str | None) -> UUID | None:
    """Read what `written` wrote. Raises `ValueError`."""
    if cursor is None:
        return None
    try:
        return UUID(bytes=base64.b64decode(f"{cursor}==", altchars=b"-_", validate=True))
    except (binascii.Error, ValueError):
        raise ValueError("must be the next_cursor of a page before") from None


def _well_formed(cursor: str) -> str:
    read(cursor)
    return cursor


Cursor = Annotated[
    str, AfterValidator(_well_formed), Field(description="The `next_cursor` of the page before.")
]
