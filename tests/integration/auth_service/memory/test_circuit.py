import asyncio
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from prometheus_client import Gauge
from redis.asyncio import Redis
from redis.exceptions import NoScriptError, ResponseError
from structlog.testing import capture_logs

from auth_service.memory import line
from auth_service.memory.circuit import Circuit, MemoryAway
from devstack.ports import free_port
from tests.support.own_redis import KINDS, OwnRedis, own_redis
from tests.support.silent_server import silent_server
from tests.support.waiting import until

PROBES = timedelta(milliseconds=100)
PATIENCE = timedelta(milliseconds=300)
SOON_SECONDS = 10


@pytest.fixture(params=KINDS)
def own(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OwnRedis]:
    with own_redis(request.param, tmp_path) as server:
        yield server


@pytest_asyncio.fixture
async def around(own: OwnRedis, up: Gauge) -> AsyncIterator[Circuit]:
    """Put a circuit around a Redis that the test may take away."""
    circuit = Circuit(own.url, up=up, patience=PATIENCE, probe_every=PROBES)
    await circuit.warm()
    assert shown(up) == 1
    yield circuit
    await circuit.close()


def shown(up: Gauge) -> float:
    (metric,) = up.collect()
    return float(metric.samples[0].value)


async def run(redis: Redis, *command: str) -> None:
    await redis.execute_command(*command)  # type: ignore[no-untyped-call]  # redis-py's own


async def closed(circuit: Circuit) -> None:
    await until(lambda: not circuit.is_open, within=SOON_SECONDS)


async def test_a_burst_goes_over_one_connection_and_everyone_gets_their_own_answer(circuit: Circuit) -> None:
    answers = await asyncio.gather(*(circuit.ask("ECHO", number) for number in range(900)))
    connections = await asyncio.gather(*(circuit.ask("CLIENT", "ID") for _ in range(50)))

    assert [int(answer) for answer in answers] == [*range(900)]
    assert len(set(connections)) == 1


async def test_who_gives_up_waiting_leaves_everyone_elses_answers_alone(circuit: Circuit) -> None:
    asked = [asyncio.create_task(circuit.ask("ECHO", number)) for number in range(20)]
    await asyncio.sleep(0)  # they have asked
    for task in asked[::2]:
        task.cancel()
    answers = await asyncio.gather(*asked, return_exceptions=True)

    assert [int(answer) for answer in answers[1::2]] == [*range(1, 20, 2)]  # type: ignore[arg-type]  # bytes
    assert {type(answer) for answer in answers[::2]} == {asyncio.CancelledError}
    assert await circuit.ask("ECHO", "next") == b"next"


async def test_what_is_wrong_with_one_call_is_that_calls_matter(
    circuit: Circuit, redis_client: Redis
) -> None:
    await redis_client.set("text", "?", px=60_000)

    with pytest.raises(NoScriptError):
        await circuit.ask("EVALSHA", "0" * 40, 0)
    with pytest.raises(ResponseError, match="WRONGTYPE"):
        await circuit.ask("LPUSH", "text", 1)

    assert not circuit.is_open
    assert await circuit.ask("GET", "text") == b"?"


FORBIDDEN = ("HSET", "key", "field", "value")


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (FORBIDDEN, {"hset"}),
        (("EVAL", "return redis.call(unpack(ARGV))", 0, *FORBIDDEN), {"hset", "eval"}),  # as the server says
    ],
    ids=["by itself", "in a script"],
)
async def test_what_this_user_may_not_do_is_told_once_and_leaves_the_rest_alone(
    own: OwnRedis, up: Gauge, call: tuple[str | int, ...], named: set[str]
) -> None:
    async with Redis.from_url(own.url) as root:
        await run(root, "ACL", "SETUSER", "door", "on", "nopass", "~*", "+@all", "-hset")
    circuit = Circuit(own.url.replace("redis://", "redis://door:any@"), up=up, patience=PATIENCE)

    with capture_logs() as lines:
        for _ in range(3):
            with pytest.raises(ResponseError):
                await circuit.ask(*call)
            assert await circuit.ask("PING") == b"PONG"

    assert not circuit.is_open
    assert [entry["event"] for entry in lines] == ["memory_call_refused"]
    assert lines[0]["command"] in named
    await circuit.close()


async def test_a_call_that_redis_does_not_understand_is_no_outage(circuit: Circuit) -> None:
    for call in (("NO-SUCH-COMMAND",), ("EVAL", "return {1} < {2}", 0), ("SET", "key")):
        with pytest.raises(ResponseError):
            await circuit.ask(*call)

    assert not circuit.is_open


async def test_a_redis_that_is_busy_with_somebodys_script_counts_as_away_until_it_is_done(
    own: OwnRedis, around: Circuit
) -> None:
    async with Redis.from_url(own.url) as other, Redis.from_url(own.url) as killer:
        await run(other, "CONFIG", "SET", "busy-reply-threshold", "1")
        endless = asyncio.create_task(run(other, "EVAL", "while true do end", "0"))
        with capture_logs() as lines:

            async def noticed() -> bool:
                with suppress(MemoryAway):
                    await around.ask("PING")
                return around.is_open

            await until(noticed, within=SOON_SECONDS)
            await killer.script_kill()
            with pytest.raises(ResponseError):
                await endless
            await closed(around)

    assert [entry["event"] for entry in lines] == ["memory_lost", "memory_found"]


async def test_without_a_redis_the_first_to_ask_learns_it_and_the_next_need_not_ask(up: Gauge) -> None:
    circuit = Circuit(f"redis://127.0.0.1:{free_port()}/0", up=up)

    with capture_logs() as lines:
        for _ in range(3):
            with pytest.raises(MemoryAway):
                await circuit.ask("PING")

    assert circuit.is_open
    assert shown(up) == 0
    assert [entry["event"] for entry in lines] == ["memory_lost"]
    await circuit.close()


async def test_a_server_that_says_nothing_is_asked_once(up: Gauge) -> None:
    async with silent_server() as silent:
        circuit = Circuit(silent.url, up=up, probe_every=timedelta(minutes=5))
        waiting = await asyncio.gather(*(circuit.ask("PING") for _ in range(50)), return_exceptions=True)
        for _ in range(10):
            with pytest.raises(MemoryAway):
                await circuit.ask("PING")
        await circuit.close()

        assert {type(answer) for answer in waiting} == {MemoryAway}
        assert silent.connections == 1


async def test_more_calls_than_may_wait_are_refused_at_once() -> None:
    async with silent_server() as silent:
        asked = line.Line(silent.url)
        waiting = [asked.ask("PING") for _ in range(line.WAITING_MAX)]
        refused = asked.ask("PING")

        with pytest.raises(line.LineLost):
            await refused
        assert not any(answer.done() for answer in waiting)
        await asked.close()
        assert all(isinstance(answer.exception(), line.LineLost) for answer in waiting)


async def test_a_stopped_redis_opens_the_circuit_and_a_going_one_closes_it(
    own: OwnRedis, around: Circuit, up: Gauge
) -> None:
    with capture_logs() as lines:
        own.signal(signal.SIGSTOP)
        answers = await asyncio.gather(*(around.ask("PING") for _ in range(20)), return_exceptions=True)
        assert {type(answer) for answer in answers} == {MemoryAway}
        assert shown(up) == 0
        own.signal(signal.SIGCONT)
        await closed(around)

    assert await around.ask("PING") == b"PONG"
    assert shown(up) == 1
    assert [entry["event"] for entry in lines] == ["memory_lost", "memory_found"]


async def test_a_killed_redis_is_found_again_when_it_is_back(own: OwnRedis, around: Circuit) -> None:
    own.kill()
    with pytest.raises(MemoryAway):
        await around.ask("PING")
    own.start()

    await closed(around)
    assert await around.ask("PING") == b"PONG"


async def test_a_redis_restarted_between_two_calls_is_no_outage(
    own: OwnRedis, around: Circuit, up: Gauge
) -> None:
    own.kill()
    own.start()
    await until(around._line._connection.can_read, within=SOON_SECONDS)  # it heard that the old one went

    with capture_logs() as lines:
        assert await around.ask("PING") == b"PONG"
    assert not lines
    assert shown(up) == 1


@pytest.mark.parametrize(
    ("broken", "mended"),
    [
        (("CONFIG", "SET", "maxmemory", "1"), ("CONFIG", "SET", "maxmemory", "0")),
        (("REPLICAOF", "127.0.0.1", "1"), ("REPLICAOF", "NO", "ONE")),
    ],
    ids=["out of memory", "read-only"],
)
async def test_a_redis_that_takes_no_writes_counts_as_away_until_it_does(
    own: OwnRedis, around: Circuit, broken: tuple[str, ...], mended: tuple[str, ...]
) -> None:
    async with Redis.from_url(own.url) as other:
        await run(other, *broken)
        with capture_logs() as lines:
            with pytest.raises(MemoryAway):
                await around.ask("SET", "key", "value", "PX", 60_000)

            async def refused_often() -> bool:
                told = (await other.info("commandstats"))["cmdstat_set"]
                return bool(told["rejected_calls"] > 2)

            await until(refused_often, within=SOON_SECONDS)
            assert around.is_open
            await run(other, *mended)
            await closed(around)

    assert [entry["event"] for entry in lines] == ["memory_lost", "memory_found"]


async def test_an_answer_that_lay_here_unread_while_this_process_was_busy_is_no_outage(
    own: OwnRedis, around: Circuit
) -> None:
    own.signal(signal.SIGSTOP)
    asked = [asyncio.create_task(around.ask("ECHO", number)) for number in range(3)]
    for _ in range(5):
        await asyncio.sleep(0)  # the calls have left
    own.signal(signal.SIGCONT)
    end = time.monotonic() + 2 * PATIENCE.total_seconds()
    while time.monotonic() < end:
        pass

    assert await asyncio.gather(*asked) == [b"0", b"1", b"2"]
    assert not around.is_open


async def test_closing_while_the_circuit_is_open_ends_the_probing(up: Gauge) -> None:
    circuit = Circuit(f"redis://127.0.0.1:{free_port()}/0", up=up)
    await circuit.warm()
    assert circuit.is_open

    await circuit.close()

    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("memory")]


async def test_a_call_that_is_given_up_before_it_left_keeps_no_later_one_from_leaving(redis_url: str) -> None:
    asking = line.Line(redis_url)
    given_up = asking.ask("PING")
    asking.drop()

    assert await asyncio.wait_for(asking.ask("PING"), SOON_SECONDS) == b"PONG"
    assert isinstance(given_up.exception(), line.LineLost)
    await asking.close()
