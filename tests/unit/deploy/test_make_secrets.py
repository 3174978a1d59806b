"""The secrets of a stack: made once, told to those who need them, and never made anew."""

import hashlib
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from auth_service.model.peppers import parse_pepper
from contracts.addresses import check_postgres, check_redis
from contracts.sealing import Sealer

ROOT = Path(__file__).parents[3]
TEMPLATE = ROOT / "deploy" / "redis" / "users.acl.template"


def make(folder: Path) -> dict[str, str]:
    """Run the script and read all that is there afterwards."""
    script = ROOT / "deploy" / "make_secrets.py"
    subprocess.run([sys.executable, str(script), str(folder), str(TEMPLATE)], capture_output=True, check=True)
    return {str(path.relative_to(folder)): path.read_text("utf-8") for path in folder.glob("*/*")}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for reader in ("auth", "mailer", "postgres", "redis", "grafana"):
        (tmp_path / reader).mkdir()
    return tmp_path


def test_what_is_made_is_what_the_services_take(folder: Path) -> None:
    made = make(folder)

    Sealer([made["auth/sealing_keys"]])
    parse_pepper(made["auth/auth_peppers"])
    for service in ("auth", "mailer"):
        check_redis(made[f"{service}/redis_url"])
        check_postgres(made[f"{service}/database_url"])


def test_both_services_seal_with_the_same_key_and_only_one_knows_the_peppers(folder: Path) -> None:
    made = make(folder)

    assert made["mailer/sealing_keys"] == made["auth/sealing_keys"]
    assert [name for name, content in made.items() if content == made["auth/auth_peppers"]] == [
        "auth/auth_peppers"
    ]


def test_a_second_run_changes_nothing(folder: Path) -> None:
    assert make(folder) == make(folder)


def test_two_stacks_share_no_secret(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for root in (first, second):
        for reader in ("auth", "mailer", "postgres", "redis", "grafana"):
            (root / reader).mkdir(parents=True)

    assert not set(make(first).values()) & set(make(second).values())


def test_what_was_lost_is_made_anew_and_the_rest_stays(folder: Path) -> None:
    before = make(folder)
    (folder / "auth" / "redis_url").unlink()
    after = make(folder)

    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"auth/redis_url", "redis/users.acl"}


def test_a_new_sealing_key_in_front_reaches_the_mailer(folder: Path) -> None:
    old = make(folder)["auth/sealing_keys"]
    keys = folder / "auth" / "sealing_keys"
    keys.unlink()
    keys.write_text(f"new,{old}\n", "utf-8")

    assert make(folder)["mailer/sealing_keys"] == f"new,{old}"


def test_redis_knows_the_services_by_hashes_and_no_password(folder: Path) -> None:
    made = make(folder)
    users = made["redis/users.acl"]

    for service in ("auth", "mailer"):
        password = urlsplit(made[f"{service}/redis_url"]).password or ""
        assert password
        assert password not in users
        assert f"user {service} on #{hashlib.sha256(password.encode()).hexdigest()} " in users


def test_users_that_were_added_to_redis_by_hand_stay(folder: Path) -> None:
    make(folder)
    users = folder / "redis" / "users.acl"
    line = "user analytics on #00 resetchannels -@all +xread %R~{auth.accounts}"
    text = users.read_text("utf-8")
    users.unlink()
    users.write_text(f"{text}{line}\n", "utf-8")

    assert make(folder)["redis/users.acl"] == f"{text}{line}\n"


def test_readers_with_another_uid_may_read_and_nobody_may_write(folder: Path) -> None:
    make(folder)

    assert {path.stat().st_mode & 0o777 for path in folder.glob("*/*")} == {0o444}
