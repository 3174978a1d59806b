import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

import pytest

from auth_service.memory.cache_keys import list_bundle
from auth_service.memory.cache_result import cache_result
from tests.support.caches import Process, process

TTL = timedelta(minutes=5)
Listing = Callable[..., Awaitable[list[str]]]


class Names:
    """A list of names that counts how often it is read."""

    def __init__(self, *names: str) -> None:
        self.names = list(names)
        self.reads = 0

    def at(self, process: Process, *, ttl: timedelta = TTL) -> Listing:
        """Give the function that one process has for it."""

        @cache_result(ttl=ttl, model="names", name="names", cache=process.cache, metrics=process.metrics)
        async def listed(*, beginning: str = "", after: UUID | None = None) -> list[str]:
            self.reads += 1
            return [name for name in self.names if name.startswith(beginning)][1 if after else 0 :]

        return listed


async def test_two_processes_call_once_between_them(redis_url: str) -> None:
    names = Names("ada", "bob")
    async with process(redis_url) as one, process(redis_url) as other:
        here, there = names.at(one), names.at(other)
        calls = [each(beginning="a", after=None) for each in (here, there) * 25]
        assert await asyncio.gather(*calls) == [["ada"]] * 50
        assert await there(after=None, beginning="a") == ["ada"]

    assert names.reads == 1


async def test_other_arguments_are_another_call_and_all_of_them_go_at_once(redis_url: str) -> None:
    names = Names("ada", "bob")
    async with process(redis_url) as one, process(redis_url) as other:
        here, there = names.at(one), names.at(other)
        assert [await here(beginning="a"), await here(beginning="b")] == [["ada"], ["bob"]]
        names.names = ["anna", "berta"]
        assert await there(beginning="b") == ["bob"]
        await other.cache.drop([list_bundle("names")])
        assert [await here(beginning="a"), await there(beginning="b")] == [["anna"], ["berta"]]

    assert names.reads == 4


async def test_after_its_time_it_is_called_again(redis_url: str) -> None:
    names = Names("ada")
    async with process(redis_url) as one:
        listed = names.at(one, ttl=timedelta(milliseconds=200))
        for _ in range(2):
            await listed()
        before = names.reads
        while names.reads == before:
            await listed()

    assert before <= names.reads - 1


async def test_without_redis_every_call_is_one() -> None:
    names = Names("ada")
    async with process("redis://127.0.0.1:1/0") as alone:
        listed = names.at(alone)
        assert [await listed(), await listed()] == [["ada"], ["ada"]]
        assert alone.counted("bypass", cache="names") == 2

    assert names.reads == 2


async def test_only_keyword_arguments_name_a_call(redis_url: str) -> None:
    async with process(redis_url) as one:
        with pytest.raises(TypeError, match="keyword arguments"):
            await Names().at(one)("a")
