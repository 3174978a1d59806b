"""The reasons that are counted from zero are those that the source gives, none left out."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import get_args, get_type_hints

from prometheus_client import REGISTRY

from mailer_service import dying
from mailer_service.mailing.replies import Refused
from tests.support.consumers import LANE

ROOT = Path(__file__).parents[3]
KILLING = {"DeadLetter", "BoxRefused", "_rejected"}
"""Calls that a reason is given to, as the first word in quotes."""


def reasons(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=args) if name in KILLING:
                words = [arg.value for arg in args if isinstance(arg, ast.Constant)]
                yield from map(str, words[:1])
            case ast.ClassDef(body=body):
                for line in body:
                    match line:
                        case ast.Assign(targets=[ast.Name(id="reason")], value=ast.Constant(value=str(word))):
                            yield word


def test_no_reason_in_the_source_is_left_out() -> None:
    sources = [path for part in ("contracts", "mailer_service") for path in (ROOT / part).rglob("*.py")]
    given = {word for path in sources for word in reasons(ast.parse(path.read_text("utf-8")))}
    given |= set(get_args(get_type_hints(Refused)["reason"]))
    assert given == dying.REASONS


def test_each_reason_of_each_lane_is_told_before_anything_died() -> None:
    dying.count_from_zero([LANE])
    for reason in dying.REASONS:
        labels = {"stream": LANE.name, "reason": reason}
        assert REGISTRY.get_sample_value("mailer_dead_letters_total", labels) is not None
