"""Both services as programs: the settings of a stack, and how each part is asked whether it is ready."""

import base64
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from contracts.sealing import new_key
from devstack.foundation import Foundation
from devstack.ports import HOST
from devstack.program import Program

SENDER: Final = "Porter <porter@example.org>"


def shared_settings(
    foundation: Foundation, *, public_url: str, caller: Mapping[str, str], log_format: str
) -> dict[str, str]:
    """Give every service's environment: the caller's, this stack's addresses, and secrets made for it."""
    made = {
        "SEALING_KEYS": new_key(),
        "AUTH_PEPPERS": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "MAILER_FROM": SENDER,
    }
    fixed = {
        "DATABASE_URL": foundation.database_url,
        "REDIS_URL": foundation.redis_url,
        "MAILER_SMTP_URL": foundation.smtp_url,
        "PUBLIC_URL": public_url,
        "LOG_FORMAT": log_format,
        "AUTH_HOST": HOST,
        "MAILER_HOST": HOST,
        "PYTHONUNBUFFERED": "1",
    }
    return made | dict(caller) | fixed


def auth(number: int, *, port: int, internal_port: int, folder: Path, settings: Mapping[str, str]) -> Program:
    """Describe `auth-service serve`."""
    own = {"AUTH_PORT": str(port), "AUTH_INTERNAL_PORT": str(internal_port)}
    return _service(
        f"auth-{number}", "auth_service.cli", "serve", folder=folder, settings={**settings, **own}
    )


def mailer(number: int, *, port: int, folder: Path, settings: Mapping[str, str]) -> Program:
    """Describe `mailer-service run`."""
    own = {"MAILER_PORT": str(port)}
    return _service(
        f"mailer-{number}", "mailer_service.cli", "run", folder=folder, settings={**settings, **own}
    )


def migrations(*, folder: Path, settings: Mapping[str, str]) -> tuple[Program, Program]:
    """Describe what makes both services' tables."""
    return (
        _service("auth-migrate", "auth_service.cli", "migrate", folder=folder, settings=settings),
        _service("mailer-migrate", "mailer_service.cli", "migrate", folder=folder, settings=settings),
    )


def first_administrator(email: str, *, folder: Path, settings: Mapping[str, str]) -> Program:
    """Describe what makes the first administrator."""
    module, words = "auth_service.cli", ("admin", "create", email)
    return _service("auth-admin", module, *words, folder=folder, settings=settings)


def _service(name: str, module: str, *words: str, folder: Path, settings: Mapping[str, str]) -> Program:
    """Run a module with this very Python, in the stack's folder so that no stray `.env` is read."""
    return Program(
        name=name, command=(sys.executable, "-m", module, *words), folder=folder, environment=dict(settings)
    )
