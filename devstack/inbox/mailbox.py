"""The mails that an inbox holds."""

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Final

from contracts.identifiers import new_id
from devstack.inbox.mail import Mail

MAILS_MAX: Final = 10_000


class Mailbox:
    """Keeps the newest mails in memory, at most `mails_max`; older ones make room."""

    def __init__(self, *, mails_max: int = MAILS_MAX) -> None:
        self._mails: OrderedDict[str, Mail] = OrderedDict()
        self._mails_max = mails_max

    def __len__(self) -> int:
        return len(self._mails)

    def __iter__(self) -> Iterator[Mail]:
        """Go through the mails from the oldest to the newest."""
        return iter(tuple(self._mails.values()))

    def add(self, *, sender: str, recipients: Iterable[str], raw: bytes) -> Mail:
        """Keep a mail."""
        mail = Mail(
            id=str(new_id()),
            received_at=datetime.now(UTC),
            sender=sender,
            recipients=tuple(recipients),
            raw=raw,
        )
        self._mails[mail.id] = mail
        while len(self._mails) > self._mails_max:
            self._mails.popitem(last=False)
        return mail

    def newest_first(self) -> Iterator[Mail]:
        """Go through the mails from the newest to the oldest."""
        return reversed(tuple(self._mails.values()))

    def get(self, mail_id: str) -> Mail | None:
        """Find a mail; `latest` is the newest."""
        if mail_id == "latest":
            return next(self.newest_first(), None)
        return self._mails.get(mail_id)

    def remove(self, mail_ids: Iterable[str]) -> None:
        """Forget these mails, as far as they are here."""
        for mail_id in mail_ids:
            self._mails.pop(mail_id, None)

    def clear(self) -> None:
        """Forget every mail."""
        self._mails.clear()
