"""Make the secrets of a stack, a folder for each container that reads them.

    python make_secrets.py /secrets users.acl.template

What is there stays, so this may run before every start. The URLs in auth/ and mailer/ hold the services'
passwords. What others must know of them is written anew each time, as is the copy of the sealing keys:
to rotate one, put a new one in front in auth/. Redis is told hashes alone, and keeps the users that were
added to its users.acl by hand, such as other consumers'.
"""

import base64
import hashlib
import os
import secrets
import sys
from pathlib import Path
from string import Template
from urllib.parse import urlsplit

SERVICES = ("auth", "mailer")
OPERATOR = "resetkeys allkeys allchannels +@all"


def main(root: Path, *, users: str) -> None:
    """Make what is missing. `users` is the template of Redis's users."""
    for service in SERVICES:
        _once(root / service / "redis_url", f"redis://{service}:{_password()}@redis:6379/0")
        _once(root / service / "database_url", f"postgresql://{service}:{_password()}@postgres:5432/porter")
        _write(root / "postgres" / service, _password_in(root / service / "database_url"))
    _once(root / "auth" / "sealing_keys", _key())
    _once(root / "auth" / "auth_peppers", _key())
    _write(root / "mailer" / "sealing_keys", _read(root / "auth" / "sealing_keys"))
    _once(root / "postgres" / "postgres", _password())
    _once(root / "redis" / "operator", _password())
    _once(root / "grafana" / "admin", _password())
    _write(root / "redis" / "users.acl", _acl(root, users=users))


def _acl(root: Path, *, users: str) -> str:
    """Write Redis's users: the services and the operator, and those who were added by hand."""
    hashes = {
        f"{service.upper()}_REDIS_SHA256": _sha256(_password_in(root / service / "redis_url"))
        for service in SERVICES
    }
    operator = f"user operator on #{_sha256(_read(root / 'redis' / 'operator'))} {OPERATOR}"
    ours = [*Template(users).substitute(hashes).splitlines(), operator]
    path = root / "redis" / "users.acl"
    there = _read(path).splitlines() if path.exists() else []
    names = {_name(line) for line in ours}
    return "\n".join((*ours, *(line for line in there if _name(line) not in names))) + "\n"


def _name(line: str) -> str:
    """Tell whom a line is about: `user NAME …`."""
    return line.split()[1]


def _sha256(password: str) -> str:
    return hashlib.sha256(password.encode()).hexdigest()


def _password() -> str:
    return secrets.token_urlsafe(24)


def _key() -> str:
    """Make 32 bytes in url-safe base64, as both sealing keys and peppers are written."""
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


def _password_in(url: Path) -> str:
    return urlsplit(_read(url)).password or ""


def _read(path: Path) -> str:
    return path.read_text("utf-8").strip()


def _once(path: Path, content: str) -> None:
    if not path.exists():
        _write(path, content)


def _write(path: Path, content: str) -> None:
    """Write all of it or nothing. Its reader has another uid, and alone has the volume that it lies in."""
    part = path.with_name(f".{path.name}.part")
    part.write_text(content, "utf-8")
    part.chmod(0o444)
    with part.open("rb") as written:
        os.fsync(written.fileno())
    part.replace(path)


if __name__ == "__main__":
    main(Path(sys.argv[1]), users=Path(sys.argv[2]).read_text("utf-8"))
