"""The entries a process has in hand, and how many more it can take."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta

from mailer_service.consuming.entries import Entry, InHand


class Hands:
    """A lane's entries in hand, bounded by its slots.

    The same entry can be in hand twice, where Redis forgot the first delivery and made another.
    """

    def __init__(self, *, slots: int) -> None:
        self.slots = slots
        self._held: set[InHand] = set()
        self._freed = asyncio.Event()

    def __iter__(self) -> Iterator[InHand]:
        return iter(list(self._held))

    def __len__(self) -> int:
        return len(self._held)

    @property
    def free(self) -> int:
        """How many more entries may be taken. Those that only wait for their acknowledgement take no slot.

        But they are no more than the slots, for the day when Redis takes none.
        """
        working = sum(not held.ended for held in self._held)
        return max(0, min(self.slots - working, 2 * self.slots - len(self._held)))

    def ids(self, key: str) -> list[str]:
        """Ids of one stream's entries in hand."""
        return [held.entry.id for held in self._held if held.entry.key == key]

    def take(self, entry: Entry, *, asked_at: float) -> InHand:
        """Take an entry in hand; `asked_at` is when the read that brought it was sent."""
        held = InHand(entry, asked_at, freed=self._freed.set)
        self._held.add(held)
        return held

    def release(self, held: InHand) -> None:
        """Let go of an entry, settled or not."""
        self._held.discard(held)
        self._freed.set()

    async def wait_free(self, *, within: timedelta) -> bool:
        """Wait for a free slot. False when there was none within that time."""
        try:
            async with asyncio.timeout(within.total_seconds()):
                while not self.free:
                    self._freed.clear()
                    await self._freed.wait()
        except TimeoutError:
            return False
        return True
