import pytest

from devstack.process import ending, pause_seconds


@pytest.mark.parametrize(("deaths", "seconds"), [(1, 0.1), (2, 0.2), (3, 0.4), (6, 3.2), (7, 5.0), (50, 5.0)])
def test_the_pause_before_a_restart_doubles_up_to_five_seconds(deaths: int, seconds: float) -> None:
    assert pause_seconds(deaths) == pytest.approx(seconds)


def test_an_ending_is_told_in_words() -> None:
    assert ending(2) == "ended with status 2"
    assert ending(-9) == "was ended by SIGKILL"
