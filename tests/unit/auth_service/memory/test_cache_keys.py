import os
import subprocess
import sys
from dataclasses import dataclass
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from auth_service.memory.cache_keys import call_name, shape_name, token_name
from auth_service.model.users import Status, User

SECRET = b"\x01" * 32
CALL = """
from uuid import UUID
from auth_service.memory.cache_keys import call_name, shape_name, token_name
from auth_service.model.users import Status, User
from pydantic import TypeAdapter
arguments = {"status": Status.PENDING, "before": UUID(int=7), "containing": "x", "limit": 5}
print(call_name("a.b", arguments, secret=b"\\x01" * 32))
print(shape_name(TypeAdapter(User)))
print(token_name("session", b"\\x02" * 32, secret=b"\\x01" * 32))
"""


def test_two_processes_make_the_same_names() -> None:
    names = {
        subprocess.run(
            [sys.executable, "-c", CALL],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    arguments = {"limit": 5, "containing": "x", "before": UUID(int=7), "status": Status.PENDING}
    own = (
        call_name("a.b", arguments, secret=SECRET),
        shape_name(TypeAdapter(User)),
        token_name("session", b"\x02" * 32, secret=SECRET),
    )
    assert names == {"\n".join(own) + "\n"}


@given(st.dictionaries(st.text(), st.integers() | st.text() | st.none(), min_size=1))
def test_the_order_of_arguments_says_nothing_and_each_of_them_something(arguments: dict[str, object]) -> None:
    backwards = dict(reversed(arguments.items()))
    fewer = dict(list(arguments.items())[1:])

    name = call_name("f", arguments, secret=SECRET)
    assert name == call_name("f", backwards, secret=SECRET)
    assert name != call_name("f", fewer, secret=SECRET)
    assert name != call_name("g", arguments, secret=SECRET)


def test_what_was_searched_for_cannot_be_guessed_from_a_name() -> None:
    searched = {"containing": "ada@example.org"}

    assert call_name("f", searched, secret=SECRET) != call_name("f", searched, secret=b"\x02" * 32)


def test_another_shape_has_another_name() -> None:
    @dataclass(frozen=True)
    class Before:
        name: str

    @dataclass(frozen=True)
    class After:
        name: str
        locale: str

    assert shape_name(TypeAdapter(Before)) != shape_name(TypeAdapter(After))
