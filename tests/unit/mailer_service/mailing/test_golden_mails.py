"""Mails are what someone looked at."""

import pytest

from tests.support.golden_mails import EVERY, GOLDEN, golden_files


@pytest.mark.parametrize(("mail", "language"), EVERY)
def test_a_mail_is_as_it_was_last_looked_at(mail: str, language: str) -> None:
    """After a change that is meant: `python -m tests.support.golden_mails`, and look at the difference."""
    for path, written in golden_files(mail, language):
        assert path.read_bytes() == written


def test_no_golden_mail_is_left_of_one_that_is_gone() -> None:
    wanted = {path for each in EVERY for path, _ in golden_files(*each)}
    assert wanted == set(GOLDEN.iterdir())
