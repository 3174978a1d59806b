from dataclasses import dataclass
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from auth_service.memory.local_windows import LocalWindows
from auth_service.memory.policies import Allowed, Denied, Policy
from tests.support.window_model import WindowModel

NARROW = Policy("narrow", 1, timedelta(seconds=10))
WIDE = Policy("wide", 3, timedelta(seconds=10))


@dataclass
class Clock:
    """Time as the test says, in seconds."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


sizes = st.tuples(st.integers(1, 4), st.integers(1, 40))
steps = st.lists(st.tuples(st.sampled_from(["ada", "bob"]), st.integers(0, 25)), max_size=40)


@given(wanted=st.lists(sizes, min_size=1, max_size=3), steps=steps)
def test_one_process_decides_by_the_same_rule_as_redis(
    wanted: list[tuple[int, int]], steps: list[tuple[str, int]]
) -> None:
    policies = [
        Policy(str(number), count, timedelta(milliseconds=milliseconds))
        for number, (count, milliseconds) in enumerate(wanted)
    ]
    clock, model = Clock(), WindowModel()
    windows, now = LocalWindows(clock=clock), 1_000_000
    for subject, pause in steps:
        now += pause
        clock.now = now / 1000 + 0.0001  # within that millisecond, whatever floats make of it
        claims = [(policy, subject) for policy in policies]
        assert windows.hit(claims) == model.hit(claims, now=now)


def test_a_denied_hit_is_counted_in_no_window() -> None:
    windows = LocalWindows(clock=Clock())
    assert windows.hit([(WIDE, "office"), (NARROW, "ada")]) == Allowed(0)

    for _ in range(5):
        assert windows.hit([(WIDE, "office"), (NARROW, "ada")]) == Denied("narrow", timedelta(seconds=10))

    assert windows.hit([(WIDE, "office")]) == Allowed(1)


def test_of_too_many_subjects_the_stalest_go() -> None:
    windows = LocalWindows(subjects_max=3, clock=Clock())
    for subject in ("ada", "bob", "eve"):
        windows.hit([(WIDE, subject)])
    windows.hit([(WIDE, "ada")])
    windows.hit([(NARROW, "mallory")])

    assert len(windows) == 3
    assert windows.hit([(WIDE, "ada")]) == Allowed(0)
    assert windows.hit([(WIDE, "bob")]) == Allowed(2)


def test_after_the_longest_window_nothing_is_left_whoever_asks_then() -> None:
    clock = Clock()
    windows = LocalWindows(clock=clock)
    hour = Policy("hour", 5, timedelta(hours=1))
    for number in range(100):
        windows.hit([(hour, f"person {number}"), (WIDE, f"person {number}")])
        clock.now += 0.01
    windows.hit([(hour, "person 0"), (NARROW, "ada")])

    clock.now += 10
    windows.forget()
    assert len(windows) == 100
    clock.now += 3590
    assert windows.hit([(NARROW, "bob")]) == Allowed(0)
    assert len(windows) == 1
    clock.now += 10
    windows.forget()
    assert len(windows) == 0


def test_a_denied_subject_leaves_no_window_behind_in_those_it_was_not_denied_by() -> None:
    clock = Clock()
    windows = LocalWindows(clock=clock)
    windows.hit([(NARROW, "ada")])
    for number in range(20):
        windows.hit([(WIDE, f"office {number}"), (NARROW, "ada")])

    assert len(windows) == 1


def test_the_memory_stays_bounded_however_many_ask() -> None:
    windows = LocalWindows(subjects_max=50, clock=Clock())
    for number in range(1000):
        windows.hit([(WIDE, f"person {number}"), (NARROW, f"person {number}")])

    assert len(windows) == 50
