"""What a transaction may have changed that somebody keeps a copy of."""

from dataclasses import dataclass, field
from uuid import UUID


@dataclass(slots=True)
class Touched:
    """The users whose row or sessions were written, and whether lists of users may differ from now on.

    What is named too much costs a look at Postgres, what is named too little shows an old row: stores name
    before they write, and whoever drops copies does so however the transaction ended.
    """

    users: set[UUID] = field(default_factory=set)
    lists: bool = False

    def user(self, user_id: UUID) -> None:
        """Note that someone's row is written."""
        self.users.add(user_id)
        self.lists = True

    def __bool__(self) -> bool:
        return self.lists or bool(self.users)
