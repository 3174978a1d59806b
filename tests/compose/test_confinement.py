"""What someone who broke into one container finds: little, and no way out."""

import json
import subprocess
import tarfile
from typing import IO

import pytest

from tests.compose.conftest import CANARY
from tests.compose.project import CommandFailed, Project, docker

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]

IMAGES = ("porter-auth", "porter-mailer")
ONCE = ("secrets-1", "auth-migrate-1", "mailer-migrate-1")
BASE_FOLDERS = ("usr/bin/", "usr/lib/", "usr/share/", "var/lib/")
PRIVATE = (".env", ".git", ".ssh", "id_rsa", ".netrc")


def test_every_container_is_locked_in(project: Project) -> None:
    for name, told in project.inspected().items():
        host = told["HostConfig"]
        assert host["ReadonlyRootfs"], name
        assert host["CapDrop"] == ["ALL"], name
        assert host["CapAdd"] is None, name
        assert "no-new-privileges:true" in host["SecurityOpt"], name
        assert not host["Privileged"], name
        assert told["Config"]["User"] not in {"", "0", "root"}, name
        assert 0 < host["Memory"] <= 512 * 1024**2, name
        assert host["PidsLimit"], name
        assert host["RestartPolicy"]["Name"] == ("no" if name in ONCE else "unless-stopped"), name
        for published in host["PortBindings"].values():
            assert [port["HostIp"] for port in published] == ["127.0.0.1"], name


def test_what_runs_once_has_ended_well_and_the_rest_is_healthy(project: Project) -> None:
    for name, told in project.inspected().items():
        state = told["State"]
        if name in ONCE:
            assert (state["Status"], state["ExitCode"]) == ("exited", 0), name
        else:
            assert (state["Status"], state["Health"]["Status"]) == ("running", "healthy"), name


def test_no_secret_is_shown_by_docker_inspect(project: Project) -> None:
    shown = json.dumps(project.inspected())
    secrets = project.secrets()

    assert len(secrets) == 13  # four URLs and their passwords, two keys, three administrators
    assert CANARY not in shown
    assert [secret for secret in secrets if secret in shown] == []


def test_no_layer_of_an_image_holds_a_secret_or_anything_private(project: Project) -> None:
    unwanted = [secret.encode() for secret in {*project.secrets(), CANARY}]
    told = docker("inspect", *IMAGES) + "".join(docker("history", "--no-trunc", image) for image in IMAGES)
    assert not [secret for secret in unwanted if secret.decode() in told]
    with subprocess.Popen(["docker", "save", *IMAGES], stdout=subprocess.PIPE) as saving:
        assert saving.stdout is not None
        looked_at = 0
        with tarfile.open(fileobj=saving.stdout, mode="r|") as archive:
            for member in archive:
                content = archive.extractfile(member) if member.isreg() else None
                if content is not None and not member.name.endswith(".json"):
                    looked_at += _look_over(content, unwanted)
    assert looked_at > 1000
    assert saving.returncode == 0


def test_each_image_has_the_dependencies_of_its_own_service_alone(project: Project) -> None:
    del project  # has built them
    ask = "import importlib.util as u, sys; print(*[n for n in sys.argv[1:] if u.find_spec(n)])"
    names = (
        "auth_service",
        "mailer_service",
        "devstack",
        "contracts",
        "fastapi",
        "faststream",
        "aiosmtplib",
        "pytest",
    )
    found = {
        image: set(docker("run", "--rm", image, "/opt/porter/bin/python", "-c", ask, *names).split())
        for image in IMAGES
    }

    assert found["porter-auth"] == {"auth_service", "contracts", "fastapi"}
    assert found["porter-mailer"] == {"mailer_service", "contracts", "faststream", "aiosmtplib"}


@pytest.mark.parametrize("image", IMAGES)
def test_no_compiler_and_no_package_cache_is_left_in_an_image(project: Project, image: str) -> None:
    del project  # has built it
    look = "command -v gcc cc make || ls -d /root/.cache /opt/porter/bin/pip /src 2>/dev/null || echo none"

    assert docker("run", "--rm", image, "sh", "-c", look).strip() == "none"


def test_a_service_cannot_look_into_the_others_tables(project: Project) -> None:
    assert int(project.psql("SELECT count(*) FROM auth.users", user="auth")) > 0
    for user, others in (("auth", "TABLE mailer.deliveries"), ("mailer", "TABLE auth.users")):
        with pytest.raises(CommandFailed, match="permission denied for schema"):
            project.psql(others, user=user)


def test_whoever_reaches_redis_without_a_password_may_ask_whether_it_is_there(project: Project) -> None:
    asked = project.compose(
        "exec", "-T", "redis", "sh", "-c", "redis-cli ping; redis-cli keys '*'; redis-cli info"
    )

    assert asked.split("\n")[0] == "PONG"
    assert asked.count("NOPERM") == 2


def _look_over(layer: IO[bytes], unwanted: list[bytes]) -> int:
    """Look at each file's name in a layer, and into all that is not the base image's own; tells how many."""
    count = 0
    try:
        files = tarfile.open(fileobj=layer, mode="r|*")  # noqa: SIM115 - entered below; here its errors mean: no layer
    except tarfile.ReadError:
        return 0
    with files:
        for file in files:
            assert not [name for name in PRIVATE if name in file.name.split("/")], file.name
            content = files.extractfile(file) if file.isreg() else None
            if content is not None and not file.name.startswith(BASE_FOLDERS):
                data = content.read()
                assert not [secret for secret in unwanted if secret in data], file.name
            count += 1
    return count
