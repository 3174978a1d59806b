"""The published files say what the event classes say, and the goldens satisfy them."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import contracts
from contracts import jsonschema, schemas
from contracts.events import EVENT_TYPES, AnyEvent

GOLDEN = Path(contracts.__file__).parent / "golden"


def published(event: type[AnyEvent]) -> dict[str, Any]:
    text = (schemas.PUBLISHED / f"{jsonschema.short_name(event)}.json").read_text(encoding="utf-8")
    return dict(json.loads(text))


def golden_data(event: type[AnyEvent]) -> dict[str, Any]:
    golden = json.loads((GOLDEN / f"{jsonschema.short_name(event)}.json").read_text(encoding="utf-8"))
    return dict(json.loads(golden["entry"]["data"]))


def test_the_published_files_are_fresh() -> None:
    assert schemas.stale(schemas.PUBLISHED) == []


def test_making_them_twice_makes_the_same() -> None:
    assert schemas.files() == schemas.files()


@pytest.mark.parametrize("event", EVENT_TYPES)
def test_every_event_has_a_schema_that_goes_by_its_dataschema(event: type[AnyEvent]) -> None:
    schema = published(event)

    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"] == event.schema_name()
    assert schema["title"] == event.__name__
    assert schema["type"] == "object"
    assert "$ref" not in json.dumps(schema)


@pytest.mark.parametrize("event", EVENT_TYPES)
def test_every_fact_is_typed_and_none_forbids_what_comes_later(event: type[AnyEvent]) -> None:
    schema = published(event)

    assert all("type" in fact for fact in schema["properties"].values())
    assert "additionalProperties" not in schema


@pytest.mark.parametrize("event", EVENT_TYPES)
def test_the_golden_example_satisfies_the_schema(event: type[AnyEvent]) -> None:
    """Also the rule of evolution: a field that became required would be one that old examples lack."""
    kinds = {"string": str, "integer": int, "boolean": bool, "array": list}
    uuid = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
    schema, data = published(event), golden_data(event)

    assert set(schema["required"]) <= data.keys() <= set(schema["properties"])
    for name, value in data.items():
        fact = schema["properties"][name]
        assert isinstance(value, kinds[fact["type"]])
        assert fact.get("format") != "uuid" or uuid.fullmatch(str(value))
        assert fact.get("items") in (None, {"format": "uuid", "type": "string"})
        assert not isinstance(value, list) or all(uuid.fullmatch(item) for item in value)
        assert value in fact.get("enum", [value])
        assert "minimum" not in fact or value >= fact["minimum"]


def test_check_names_each_stale_file_and_the_mend(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    schemas.write(tmp_path)
    (tmp_path / "otp_requested.v1.json").write_text("{}", encoding="utf-8")
    (tmp_path / "asyncapi.json").unlink()
    (tmp_path / "forgotten.v1.json").write_text("{}", encoding="utf-8")

    status = schemas.main(["--check"], folder=tmp_path)

    lines = capsys.readouterr().err.splitlines()
    assert status == 1
    assert [Path(line.split()[0]).name for line in lines] == [
        "asyncapi.json",
        "forgotten.v1.json",
        "otp_requested.v1.json",
    ]
    assert all("make schemas" in line for line in lines)
    assert not (tmp_path / "asyncapi.json").exists()


def test_writing_mends_what_check_finds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "published"

    assert schemas.main([], folder=folder) == 0
    (folder / "asyncapi.json").write_text("{}", encoding="utf-8")
    (folder / "forgotten.v1.json").write_text("{}", encoding="utf-8")
    assert schemas.main([], folder=folder) == 0

    assert schemas.main(["--check"], folder=folder) == 0
    assert {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()} == schemas.files()
    assert capsys.readouterr().err == ""


def test_the_command_runs_from_anywhere(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "contracts.schemas", "--check"]

    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
