import asyncio
import time
from datetime import timedelta

from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from mailer_service.consuming.gate import Breaker, Gate
from mailer_service.consuming.metrics import smtp_pause
from tests.support.waiting import until

AT_ONCE = timedelta()
LONG = timedelta(seconds=10)


class Part:
    """Something that everything needs, away until the test says otherwise."""

    def __init__(self) -> None:
        self.is_away = True
        self.asked = 0

    async def probe(self) -> None:
        self.asked += 1
        if self.is_away:
            raise ConnectionError


def breaker(part: Part, gate: Gate, *, every: timedelta = timedelta(milliseconds=1)) -> Breaker:
    return Breaker(
        "smtp",
        probe=part.probe,
        gate=gate,
        gauge=smtp_pause,
        every=every,
        clock=time.monotonic,
        chance=lambda: 0.5,
    )


async def test_a_gate_is_open_until_someone_shuts_it() -> None:
    gate = Gate()
    assert await gate.wait(within=AT_ONCE)
    gate.shut("smtp")
    assert gate.shut_by == {"smtp"}
    assert not await gate.wait(within=AT_ONCE)


async def test_it_opens_when_the_last_one_lets_go() -> None:
    gate = Gate()
    gate.shut("smtp")
    gate.shut("drain")
    waiting = asyncio.create_task(gate.wait(within=LONG))
    gate.open("smtp")
    gate.open("smtp")
    await asyncio.sleep(0)
    assert not waiting.done()
    gate.open("drain")
    assert await waiting
    assert gate.shut_by == frozenset()


async def test_a_tripped_breaker_shuts_the_gate_until_the_part_answers() -> None:
    part, gate = Part(), Gate()
    mine = breaker(part, gate)
    assert not mine.is_open
    mine.trip("refused")
    assert mine.is_open
    assert gate.shut_by == {"smtp"}
    assert _open_gauge() == 1
    await until(lambda: part.asked >= 3, within=5)
    assert gate.shut_by == {"smtp"}
    part.is_away = False
    assert await gate.wait(within=LONG)
    assert not mine.is_open
    assert _open_gauge() == 0


async def test_tripping_twice_asks_and_tells_once() -> None:
    part, gate = Part(), Gate()
    mine = breaker(part, gate)
    with capture_logs() as lines:
        for _ in range(3):
            mine.trip("refused")
        part.is_away = False
        assert await gate.wait(within=LONG)
    assert part.asked == 1
    assert [line["event"] for line in lines] == ["breaker_opened", "breaker_closed"]


async def test_it_can_trip_again() -> None:
    part, gate = Part(), Gate()
    part.is_away = False
    mine = breaker(part, gate)
    for _ in range(2):
        mine.trip("refused")
        assert gate.shut_by == {"smtp"}
        assert await gate.wait(within=LONG)


async def test_a_part_that_answers_its_probe_and_fails_at_work_is_asked_ever_more_seldom() -> None:
    part, gate = Part(), Gate()
    part.is_away = False
    mine = breaker(part, gate)
    waits = []
    for _ in range(5):
        mine.trip("refused")
        waits.append(mine._wait)
        assert await gate.wait(within=LONG)
    assert waits == sorted(waits)
    assert waits[-1] > 3 * waits[0]


async def test_after_a_sound_time_it_asks_soon_again() -> None:
    part, gate, moments = Part(), Gate(), [0.0]
    part.is_away = False
    mine = Breaker(
        "smtp",
        probe=part.probe,
        gate=gate,
        gauge=smtp_pause,
        every=timedelta(milliseconds=1),
        clock=lambda: moments[0],
        chance=lambda: 0.5,
    )
    for _ in range(3):
        mine.trip("refused")
        assert await gate.wait(within=LONG)
    moments[0] += 60
    mine.trip("refused")
    assert mine._wait == 0.001
    assert await gate.wait(within=LONG)


async def test_closing_stops_the_asking() -> None:
    part, gate = Part(), Gate()
    mine = breaker(part, gate, every=timedelta(hours=1))
    await mine.close()
    mine.trip("refused")
    await mine.close()
    assert part.asked == 0
    assert mine._probing is not None
    assert mine._probing.cancelled()


def _open_gauge() -> float | None:
    return REGISTRY.get_sample_value("mailer_smtp_pause")
