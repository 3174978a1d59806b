"""`python -m tests.chaos.dying_relay`: the relay itself, but for the places where it dies.

Each life dies at another place, in turn, from `DYING_FROM` on, until `DYING_TIMES` deaths are noted in the
file `DYING_NOTES`; the lives after that last.
"""

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from auth_service import cli, wiring
from auth_service.outbox import relay, second_look
from auth_service.outbox.comparing import Entry, Sight, look_at
from auth_service.outbox.publishing import Published, publish
from auth_service.storage.outbox import OutboxRow
from contracts.streams import Stream

PLACES = ("rows locked", "rows written", "rows compared", "lost rows locked", "lost rows written")
BATCH_ROWS = 40
"""Small, so that a life sees several batches."""


@dataclass
class Life:
    """One life of the process, which ends when it comes to `place` for the second time."""

    notes: Path
    place: str
    passed: int = 0

    def come_to(self, place: str) -> None:
        """Die, if this is where."""
        self.passed += place == self.place
        if self.passed > 1:
            with self.notes.open("a") as notes:
                notes.write(f"{place}\n")
            os.kill(os.getpid(), signal.SIGKILL)

    async def publish(self, rows: Sequence[OutboxRow], *, kind: str, **others: Any) -> Published:  # noqa: ANN401 - passed on
        """Publish rows, if life lasts."""
        if rows:
            self.come_to(f"{kind} locked")
        published = await publish(rows, **others)
        if rows:
            self.come_to(f"{kind} written")
        return published

    async def look_at(self, expected: Mapping[Stream, Sequence[Entry]], **others: Any) -> Sight:  # noqa: ANN401 - passed on
        """Compare rows with their streams, if life lasts."""
        sight = await look_at(expected, **others)
        self.come_to("rows compared")
        return sight


def noted(notes: Path) -> list[str]:
    """Read where earlier lives died."""
    return notes.read_text().splitlines() if notes.exists() else []


def next_life(environment: Mapping[str, str]) -> Life:
    """Tell where the life that begins now is to end; nowhere, once it has died often enough."""
    notes = Path(environment["DYING_NOTES"])
    deaths = len(noted(notes))
    lasts = deaths >= int(environment["DYING_TIMES"])
    return Life(notes, "" if lasts else PLACES[(int(environment["DYING_FROM"]) + deaths) % len(PLACES)])


if __name__ == "__main__":
    life = next_life(os.environ)
    for module, name, dying in (
        (wiring, "Relay", partial(relay.Relay, batch_rows=BATCH_ROWS)),
        (relay, "publish", partial(life.publish, kind="rows")),
        (second_look, "publish", partial(life.publish, kind="lost rows")),
        (second_look, "look_at", life.look_at),
    ):
        assert hasattr(module, name), f"{module.__name__} has no {name} to die in"
        setattr(module, name, dying)
    sys.exit(cli.main(["relay"]))
