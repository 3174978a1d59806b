"""An event loop whose clock jumps to whatever is due next: hours of waiting pass at once, and exactly."""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _Jumping(selectors.DefaultSelector):
    """Selects without waiting, and remembers how long it should have waited."""

    def __init__(self) -> None:
        super().__init__()
        self.skipped = 0.0

    def select(self, timeout: float | None = None) -> Any:  # noqa: ANN401 - the selector's own
        self.skipped += timeout or 0.0
        return super().select(0)


class _OwnTime(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.skipped


def run_on_own_time(play: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run `play` to its end on a loop that begins at 0 and never really waits. For loops without I/O."""
    with asyncio.Runner(loop_factory=_OwnTime) as runner:
        return runner.run(play())
