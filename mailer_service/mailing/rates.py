"""How many mails may go to a provider. Each process counts for itself alone."""

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Self

COUNT_MAX: Final = 100_000
SECONDS_MAX: Final = 86_400
OFF: Final = "off"

_WRITTEN: Final = re.compile(r"([0-9]{1,6})/([0-9]{1,5})")


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `count` mails in any stretch of time as long as `per`."""

    count: int
    per: timedelta

    @classmethod
    def parse(cls, written: str) -> Self | None:
        """Read `count/seconds`; None for `off`. Raises `ValueError`, which names the mend."""
        if written == OFF:
            return None
        found = _WRITTEN.fullmatch(written)
        if found is None:
            raise ValueError("is neither off nor count/seconds")
        count, seconds = int(found[1]), int(found[2])
        if not (1 <= count <= COUNT_MAX and 1 <= seconds <= SECONDS_MAX):
            raise ValueError(f"needs a count from 1 to {COUNT_MAX} and seconds from 1 to {SECONDS_MAX}")
        return cls(count, timedelta(seconds=seconds))
