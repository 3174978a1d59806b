"""Where mail is handed over, as one address."""

from dataclasses import dataclass, field
from typing import Final, Literal, Self
from urllib.parse import unquote, urlsplit

Security = Literal["none", "starttls", "tls"]

_SECURITY: Final[dict[str, Security]] = {"smtp": "none", "smtp+starttls": "starttls", "smtps": "tls"}
_PORTS: Final[dict[Security, int]] = {"none": 25, "starttls": 587, "tls": 465}


@dataclass(frozen=True, slots=True)
class SmtpUrl:
    """An SMTP server, how the way to it is secured, and who we are there.

    `starttls` and `tls` are verified and never downgraded; `none` is never upgraded.
    """

    host: str
    port: int
    security: Security
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, url: str) -> Self:
        """Read `smtp://`, `smtp+starttls://` or `smtps://` with `[user:password@]host[:port]`.

        Raises `ValueError`, which names the mend and repeats nothing of the address.
        """
        parts = urlsplit(url)
        security = _SECURITY.get(parts.scheme)
        if security is None:
            raise ValueError("must begin with smtp://, smtp+starttls:// or smtps://")
        if parts.path not in {"", "/"} or parts.query or parts.fragment:
            raise ValueError("must end after host and port; write / ? # in a password as %2F %3F %23")
        if not parts.hostname:
            raise ValueError("names no host; write it as smtp://HOST:PORT")
        try:
            parts.hostname.encode("idna")  # as the resolver will
        except UnicodeError:
            raise ValueError("has a host with an empty part between its dots, or a too long one") from None
        try:
            port = parts.port
        except ValueError:
            raise ValueError("has a port that is no number from 1 to 65535") from None
        if port == 0:
            raise ValueError("has a port that is no number from 1 to 65535")
        if (parts.username is None) != (parts.password is None) or parts.username == "":
            raise ValueError("needs both user and password, or neither; write @ and : in them as %40 and %3A")
        return cls(
            host=parts.hostname,
            port=port or _PORTS[security],
            security=security,
            username=None if parts.username is None else unquote(parts.username),
            password=None if parts.password is None else unquote(parts.password),
        )

    @property
    def provider(self) -> str:
        """Name the server for the ledger and for metrics, without the credentials."""
        return f"{self.host}:{self.port}"
