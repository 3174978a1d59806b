from pathlib import Path

from devstack.logfile import note, tail


def test_a_tail_is_the_last_lines(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    log.write_text("".join(f"line {number}\n" for number in range(10_000)))
    assert tail(log, lines=2) == "line 9998\nline 9999"


def test_a_log_that_is_not_there_has_an_empty_tail(tmp_path: Path) -> None:
    assert tail(tmp_path / "none.log") == ""


def test_a_note_is_told_from_the_programs_own_lines(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    log.write_text("own\n")
    note(log, "redis is started again in 0.1 s")
    assert log.read_text() == "own\ndevstack: redis is started again in 0.1 s\n"
