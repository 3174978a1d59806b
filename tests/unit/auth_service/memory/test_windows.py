import os
import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st

from auth_service.memory.windows import window_key

SECRET = b"\x01" * 32


def test_a_key_is_in_the_one_slot_of_limits_and_tells_its_policy() -> None:
    assert window_key("codes_per_ip", "203.0.113.7", secret=SECRET).startswith("{auth.limits}:codes_per_ip:")


@given(st.text(min_size=3))
def test_who_has_no_secret_cannot_tell_whose_window_it_is(subject: str) -> None:
    key = window_key("codes", subject, secret=SECRET)

    assert key.isascii()
    assert len(key) == len("{auth.limits}:codes:") + 22
    assert key != window_key("codes", subject, secret=b"\x02" * 32)


def test_policies_do_not_share_what_they_know_of_someone() -> None:
    one, other = (window_key(policy, "ada", secret=SECRET) for policy in ("one", "two"))

    assert one.rpartition(":")[2] != other.rpartition(":")[2]


def test_another_process_makes_the_same_key() -> None:
    program = (
        "from auth_service.memory.windows import window_key;"
        f"print(window_key('codes', 'ada@example.org', secret={SECRET!r}))"
    )
    environment = os.environ | {"PYTHONHASHSEED": "1"}
    told = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )

    assert told.stdout.strip() == window_key("codes", "ada@example.org", secret=SECRET)
