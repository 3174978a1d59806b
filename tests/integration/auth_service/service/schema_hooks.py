"""What schemathesis is told when it asks the service: who asks, and what is there to be asked about.

It runs as a program of its own, so this arrives by two names in its environment: the stock that somebody
else laid in, and the file that takes down how each call was answered.
"""

import json
import os
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from itertools import cycle
from pathlib import Path
from typing import Any, Final

import schemathesis
from schemathesis import AuthContext, Case, HookContext, Response

STOCK: Final = "SCHEMA_STOCK"
ANSWERS: Final = "SCHEMA_ANSWERS"

Asked = Case[Any]


class Stock:
    """People who ask, each once; users to decide about; challenges with what answers them."""

    def __init__(self, told: dict[str, Any]) -> None:
        self.origin: str = told["origin"]
        self.binding: str = told["binding"]
        self.sessions: dict[str, str] = told["sessions"]
        self.tokens: Iterator[str | None] = iter(self.sessions) if self.sessions else cycle([None])
        self.users: Iterator[str] = cycle(told["users"])
        self.challenges: Iterator[dict[str, str]] = cycle(told["challenges"])
        self.moves: Iterator[dict[str, str]] = cycle(told["moves"])
        self._turns: defaultdict[str, Iterator[bool]] = defaultdict(lambda: cycle([True, False]))

    def turn(self, call: str) -> bool:
        """Tell whether it is this call's turn to be about what is there: the first time, and every other."""
        return next(self._turns[call])


@cache
def stock() -> Stock:
    """Read it once."""
    return Stock(json.loads(Path(os.environ[STOCK]).read_text()))


@schemathesis.auth(refresh_interval=None)
class OneAfterTheOther:
    """Sends another person for each call: whatever one ends or deletes, the next one's session stands."""

    def get(self, case: Asked, ctx: AuthContext, /) -> str | None:  # noqa: ARG002 - the protocol's
        """Give the next token; None where strangers ask."""
        return next(stock().tokens)

    def set(self, case: Asked, data: str, ctx: AuthContext, /) -> None:  # noqa: ARG002 - the protocol's
        """Have the case carry it."""
        case.headers["Authorization"] = f"Bearer {data}"


@schemathesis.hook
def before_call(context: HookContext, case: Asked, kwargs: dict[str, Any]) -> None:  # noqa: ARG001 - the hook's
    """Let every other well-formed call be about somebody, or something, who is there.

    Made-up ids, codes and tokens are nobody's, and without an origin a browser's calls end at once.
    """
    if case.meta is None or case.meta.generation.mode.is_negative:
        return
    if not stock().turn(case.operation.label):
        return
    case.headers["Origin"] = stock().origin
    path, body = case.path_parameters, case.body if isinstance(case.body, dict) else {}
    if "user_id" in path:
        path["user_id"] = next(stock().users)
    if "session_id" in path:
        asking = str(case.headers.get("Authorization", "")).removeprefix("Bearer ")
        path["session_id"] = stock().sessions.get(asking, path["session_id"])
    ready = None
    if case.path == "/v1/me/email/verify":
        ready = next(stock().moves, None)
    elif "challenge_id" in path or "token" in body:
        ready = next(stock().challenges)
    if ready is not None:
        for told in (path, body):
            told |= {name: ready[name] for name in ready.keys() & told.keys()}
        case.headers["Porter-Binding"] = ready.get("binding", stock().binding)
        if "session" in ready:
            case.headers["Authorization"] = f"Bearer {ready['session']}"


@schemathesis.hook
def after_call(context: HookContext, case: Asked, response: Response) -> None:  # noqa: ARG001 - the hook's
    """Take down how a call was answered."""
    with Path(os.environ[ANSWERS]).open("a") as answers:
        answers.write(f"{response.status_code} {case.operation.label}\n")
