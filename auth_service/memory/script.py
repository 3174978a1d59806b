"""A Lua script beside this module, sent whole only to a Redis that does not know it."""

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from importlib.resources import files
from typing import Any

from redis.exceptions import NoScriptError
from redis.typing import EncodableT


class Script:
    """The script in the file `name`."""

    def __init__(self, name: str) -> None:
        self.text = (files(__package__) / name).read_text("utf-8")
        self.sha = hashlib.sha1(self.text.encode()).hexdigest()  # noqa: S324 - how Redis names scripts

    async def run(
        self, ask: Callable[..., Awaitable[Any]], *, keys: Sequence[str], arguments: Sequence[EncodableT]
    ) -> Any:  # noqa: ANN401 - each script answers in its own shape
        """Run it by `ask`, whose errors pass."""
        call: tuple[EncodableT, ...] = (len(keys), *keys, *arguments)
        try:
            return await ask("EVALSHA", self.sha, *call)
        except NoScriptError:  # Redis is new, or was flushed
            return await ask("EVAL", self.text, *call)
