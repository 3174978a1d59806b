"""What was once published stays readable: each golden file holds an entry, its key, and its opened box."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

import contracts
from contracts import jsonschema
from contracts.codec import decode, encode
from contracts.events import EVENT_TYPES, AnyEvent, OtpRequested
from contracts.sealing import Recipient, Sealer

GOLDEN = Path(contracts.__file__).parent / "golden"
FILES = sorted(GOLDEN.glob("*.json"))


def read(path: Path) -> Any:  # noqa: ANN401 - JSON is anything
    return json.loads(path.read_text(encoding="utf-8"))


def as_stored(entry: dict[str, str]) -> dict[bytes, bytes]:
    return {name.encode(): value.encode() for name, value in entry.items()}


def box(event: AnyEvent, golden: dict[str, Any]) -> dict[str, Any]:
    """Open an event's box with the golden key; secrets in clear, what is absent left out."""
    contents = Sealer([golden["sealing_key"]]).open(event.data.sealed, event.contents, event_id=event.id)
    opened = contents.model_dump(mode="json", exclude_none=True)
    secrets = {name: value for name, value in contents if isinstance(value, SecretStr)}
    return opened | {name: value.get_secret_value() for name, value in secrets.items()}


@pytest.mark.parametrize("event", EVENT_TYPES)
def test_every_event_has_a_golden_example(event: type[AnyEvent]) -> None:
    golden = read(GOLDEN / f"{jsonschema.short_name(event)}.json")

    assert golden["event"] == event.__name__
    assert golden["entry"]["type"] == event.type_name()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_golden_entry_decodes_to_its_event(path: Path) -> None:
    golden = read(path)

    event = decode(as_stored(golden["entry"]))

    assert type(event).__name__ == golden["event"]
    assert str(event.id) == golden["entry"]["id"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_golden_event_is_written_with_the_same_fields(path: Path) -> None:
    """Facts that were gained since are written too: as what their absence has always meant."""
    entry = read(path)["entry"]
    data = json.loads(entry.pop("data"))
    event = decode(as_stored(read(path)["entry"]))

    written = encode(event)

    gained = json.loads(written.pop("data"))
    kept = {name: gained.pop(name) for name in data}
    assert (written, kept) == (entry, data)
    facts = type(event.data).model_fields
    assert gained == {name: facts[name].default for name in gained}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_golden_box_opens_to_the_same_contents(path: Path) -> None:
    """What is told of a recipient was less once: what a box does not say of them is what it always meant."""
    golden = read(path)
    unsaid = {name: part.default for name, part in Recipient.model_fields.items() if not part.is_required()}
    recipients = [unsaid | told for told in golden["opened"]["recipients"]]

    assert box(decode(as_stored(golden["entry"])), golden) == golden["opened"] | {"recipients": recipients}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_box_names_as_many_people_as_the_event_says(path: Path) -> None:
    golden = read(path)

    assert decode(as_stored(golden["entry"])).data.recipients == len(golden["opened"]["recipients"])


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_nobody_is_named_outside_the_box(path: Path) -> None:
    golden = read(path)
    told = [
        value for person in golden["opened"]["recipients"] for value in (person["address"], person["name"])
    ]
    told += [value for value in golden["opened"].values() if isinstance(value, str)]
    in_clear = json.dumps(golden["entry"], ensure_ascii=False)

    assert [value for value in told if value and value in in_clear] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_an_event_that_gained_optional_fields_is_still_read(path: Path) -> None:
    golden = read(path)
    data = json.loads(golden["entry"]["data"]) | {"gained_later": {"any": ["thing"]}}
    later = golden["entry"] | {"data": json.dumps(data), "extension": "gained later"}

    assert decode(as_stored(later)) == decode(as_stored(golden["entry"]))


def test_a_code_from_before_codes_had_purposes_is_to_sign_in_with() -> None:
    golden = read(GOLDEN / "otp_requested.v1.json")

    event = decode(as_stored(golden["entry"]))

    assert "purpose" not in json.loads(golden["entry"]["data"])
    assert isinstance(event, OtpRequested)
    assert event.data.purpose == "sign_in"


def test_a_recipient_of_whom_nothing_more_was_said_is_no_administrator() -> None:
    golden = read(GOLDEN / "user_registered.v1.json")
    (told, *_) = golden["opened"]["recipients"]

    assert "administrator" not in told
    assert not Recipient.model_validate(told).administrator
