"""The services' Redis users as they are deployed, and what Redis refused them."""

import hashlib
from pathlib import Path
from typing import Any, Final

from redis.asyncio import Redis

TEMPLATE: Final = Path(__file__).parents[2] / "deploy" / "redis" / "users.acl.template"
SERVICES: Final = ("auth", "mailer")
EVERYTHING: Final = "user default on nopass ~* &* +@all"
"""What tests themselves may do: they look everywhere, and flush."""


def write_users(folder: Path) -> Path:
    """Write the users' file for a server of a test."""
    lines = TEMPLATE.read_text(encoding="utf-8")
    for service in SERVICES:
        digest = hashlib.sha256(_password(service).encode()).hexdigest()
        lines = lines.replace(f"${{{service.upper()}_REDIS_SHA256}}", digest)
    kept = [line for line in lines.splitlines() if not line.startswith("user default ")]
    path = folder / "users.acl"
    path.write_text("\n".join([EVERYTHING, *kept]) + "\n", encoding="utf-8")
    return path


def as_user(service: str, url: str) -> str:
    """Put a service's name and password into an address of Redis, or of Sentinels."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{service}:{_password(service)}@{rest}"


async def refused(redis: "Redis") -> list[str]:
    """Tell what Redis has refused the services since it started (ACL LOG)."""
    entries: Any = await redis.acl_log()
    told = ({name: _text(value) for name, value in entry.items()} for entry in entries)
    return [
        f"{entry['username']}: {entry['reason']} {entry['object']}"
        for entry in told
        if entry["username"] in SERVICES
    ]


def _password(service: str) -> str:
    return f"the password of {service}".replace(" ", "-")


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
