"""Whether login mail arrives as usual, told to whoever waits for one. Tells nothing about an address."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Final, Literal

Delivery = Literal["on_its_way", "delayed"]

LATE_AFTER: Final = timedelta(seconds=15)
"""Where nothing is wrong a mail is sent within a second; what waits for so long tells that something is."""


def delivery(*, held: bool, waiting: Iterable[timedelta]) -> Delivery:
    """Judge by whether mail is held back, and by how long the oldest wait that have not been sent."""
    return "delayed" if held or any(age > LATE_AFTER for age in waiting) else "on_its_way"
