"""Keeping what a function gives, for all who call it alike."""

import functools
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import ParamSpec, TypeVar, get_type_hints

from pydantic import TypeAdapter

from auth_service.memory.cache import Cache
from auth_service.memory.cache_keys import call_name, list_bundle
from auth_service.memory.metrics import MemoryMetrics
from auth_service.memory.reads import Loaded, Reads

P = ParamSpec("P")
R = TypeVar("R")


def cache_result(
    *, ttl: timedelta, model: str, name: str, cache: Cache, metrics: MemoryMetrics
) -> Callable[[Callable[P, Awaitable[R]]], Callable[P, Awaitable[R]]]:
    """Decorate an async function that reads rows of `model`: what it gives is kept for `ttl` at most.

    All that is kept of a model goes at once, by `drop([list_bundle(model)])`. Calls are told apart by the
    function's qualified name and its keyword arguments, in every process alike, and parallel ones load once.
    Results are of the type that the function is annotated with, and never None. `name` is shown in metrics.
    """

    def decorate(function: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
        shape: TypeAdapter[R] = TypeAdapter(get_type_hints(function)["return"])
        reads = Reads(name=name, shape=shape, cache=cache, life=ttl, metrics=metrics)
        qualified = f"{function.__module__}.{function.__qualname__}"

        @functools.wraps(function)
        async def cached(*args: P.args, **kwargs: P.kwargs) -> R:
            if args:
                raise TypeError(f"{qualified} is cached by its keyword arguments: give no others")

            async def load() -> Loaded[R]:
                return Loaded(await function(*args, **kwargs), fresh=ttl)

            place = reads.place(list_bundle(model), call_name(qualified, kwargs, secret=cache.secret))
            result = await reads.read(place, load)
            if result is None:
                raise TypeError(f"{qualified} gave None, which is no result to keep")
            return result

        return cached

    return decorate
