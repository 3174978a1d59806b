"""An event comes back from its entry the same; an entry that is no event is named so and never quoted."""

import json
from uuid import uuid4

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from contracts.codec import REQUIRED, Undecodable, decode, encode
from contracts.events import AnyEvent
from contracts.registry import UnknownType, UnknownVersion
from tests.unit.contracts.made_events import an_otp_request, any_event

MARKER = "zzsecretzz"


def entry_of(event: AnyEvent, **changed: str) -> dict[bytes, bytes]:
    """Write an event as Redis returns it, with some fields changed."""
    return {name.encode(): value.encode() for name, value in (encode(event) | changed).items()}


def an_entry(**changed: str) -> dict[bytes, bytes]:
    return entry_of(an_otp_request(), **changed)


def with_data(**changed: object) -> dict[bytes, bytes]:
    data = json.loads(encode(an_otp_request())["data"])
    return an_entry(data=json.dumps(data | changed))


@given(any_event)
def test_every_event_survives_the_stream(event: AnyEvent) -> None:
    assert decode(entry_of(event)) == event


@given(any_event)
def test_an_event_read_and_written_again_is_the_same_entry(event: AnyEvent) -> None:
    assert encode(decode(entry_of(event))) == encode(event)


@given(any_event)
def test_an_entry_holds_text_only_and_no_empty_attribute_for_what_is_absent(event: AnyEvent) -> None:
    entry = encode(event)

    assert all(isinstance(value, str) for value in entry.values())
    assert ("subject" in entry) == (event.subject is not None)
    assert ("expirytime" in entry) == (event.expirytime is not None)
    assert ("traceparent" in entry) == (event.traceparent is not None)


def test_data_is_readable_as_it_stands_in_the_stream() -> None:
    event = an_otp_request()
    named = event.model_copy(update={"data": event.data.model_copy(update={"locale": "Łódź"})})

    assert '"locale":"Łódź"' in encode(named)["data"]


def test_fields_of_other_producers_and_later_versions_are_ignored() -> None:
    event = an_otp_request()

    assert decode(an_entry(partitionkey="7", later="x")) == event
    assert decode(with_data(device="a field that v1 gained later")) == event


def test_optional_attributes_may_be_absent() -> None:
    entry = an_entry()
    for name in entry.keys() - {required.encode() for required in REQUIRED}:
        del entry[name]

    event = decode(entry)

    assert (event.subject, event.expirytime, event.traceparent) == (None, None, None)
    assert event.dataschema == event.schema_name()
    assert event.datacontenttype == "application/json"


@pytest.mark.parametrize(
    "malformed", ["", "x", MARKER, "00-0-0-00", "00" * 27, "00-" + "g" * 32 + "-" + "0" * 16 + "-00"]
)
def test_a_malformed_trace_context_is_ignored_and_costs_no_mail(malformed: str) -> None:
    assert decode(an_entry(traceparent=malformed)) == an_otp_request().model_copy(
        update={"traceparent": None}
    )


@pytest.mark.parametrize("name", REQUIRED)
def test_a_missing_field_is_named(name: str) -> None:
    entry = an_entry()
    del entry[name.encode()]

    with pytest.raises(Undecodable, match=f"the field '{name}' is missing"):
        decode(entry)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("specversion", "0.3"),
        ("id", MARKER),
        ("time", MARKER),
        ("time", "1767323045"),
        ("time", "2026-01-02T03:04:05"),
        ("sequence", MARKER),
        ("sequence", "-1"),
        ("sequence", "\u0667"),
        ("datacontenttype", MARKER),
        ("dataschema", f"urn:{MARKER}"),
        ("expirytime", MARKER),
    ],
)
def test_a_wrong_field_is_named_and_not_quoted(name: str, wrong: str) -> None:
    with pytest.raises(Undecodable) as refused:
        decode(an_entry(**{name: wrong}))

    assert str(refused.value).startswith(f"{name}: ")
    assert MARKER not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("locale", None),
        ("locale", 7),
        ("sealed", None),
        ("sealed", [MARKER]),
        ("recipients", -1),
        ("recipients", 1001),
        ("recipients", MARKER),
        ("user_id", MARKER),
        ("challenge_id", {"is": MARKER}),
    ],
)
def test_a_wrong_fact_is_named_and_not_quoted(name: str, wrong: object) -> None:
    with pytest.raises(Undecodable) as refused:
        decode(with_data(**{name: wrong}))

    assert str(refused.value).startswith(f"data.{name}: ")
    assert MARKER not in str(refused.value)


@pytest.mark.parametrize(
    "data", ["", "{", "'", '{"locale":"\\ud800"}', '{"recipients":NaN}', "[" * 100_000, "9" * 5000]
)
def test_data_that_is_not_json_is_undecodable(data: str) -> None:
    with pytest.raises(Undecodable, match="data"):
        decode(an_entry(data=data))


@pytest.mark.parametrize("data", ["null", "[]", '"text"', "7", "true"])
def test_data_that_is_no_object_is_undecodable(data: str) -> None:
    with pytest.raises(Undecodable, match="data: "):
        decode(an_entry(data=data))


@pytest.mark.parametrize("name", [*REQUIRED, "subject", "traceparent", "unheard_of"])
def test_a_field_that_is_not_utf_8_is_undecodable(name: str) -> None:
    with pytest.raises(Undecodable, match="a field is not UTF-8"):
        decode(an_entry() | {name.encode(): b"\xff\xfe"})


def test_a_field_name_that_is_not_utf_8_is_undecodable() -> None:
    with pytest.raises(Undecodable, match="a field is not UTF-8"):
        decode(an_entry() | {b"\xff": b""})


@pytest.mark.parametrize(
    ("type_name", "refused_as"),
    [
        ("porter.auth.otp_requested.v2", UnknownVersion),
        (f"porter.auth.otp_requested.{MARKER}", UnknownVersion),
        (f"porter.auth.{MARKER}.v1", UnknownType),
        (MARKER, UnknownType),
        ("", UnknownType),
    ],
)
def test_an_unknown_event_is_told_apart_from_a_broken_one(
    type_name: str, refused_as: type[UnknownType | UnknownVersion]
) -> None:
    with pytest.raises(refused_as) as refused:
        decode(an_entry(type=type_name))

    assert MARKER not in str(refused.value)


@given(st.dictionaries(st.binary(max_size=12) | st.sampled_from([n.encode() for n in REQUIRED]), st.binary()))
@example({})
def test_rubbish_is_refused_and_nothing_else_happens(entry: dict[bytes, bytes]) -> None:
    with pytest.raises((Undecodable, UnknownType)):
        decode(entry)


@given(
    name=st.sampled_from([*REQUIRED, "subject", "expirytime", "traceparent", "dataschema"]), value=st.text()
)
def test_one_rubbish_field_never_makes_a_stray_exception(name: str, value: str) -> None:
    try:
        decode(an_entry(**{name: value}))
    except (Undecodable, UnknownType, UnknownVersion) as refused:
        assert refused.reason in {"undecodable", "unknown_type", "unknown_version"}  # noqa: PT017 - it may also decode


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
        max_leaves=5,
    )
)
def test_no_json_in_data_makes_a_stray_exception(data: object) -> None:
    with pytest.raises(Undecodable, match="data"):
        decode(an_entry(data=json.dumps(data)))


def test_messages_quote_nothing_even_where_the_library_would() -> None:
    with pytest.raises(Undecodable) as refused:
        decode(an_entry(id=f"{MARKER}-{uuid4()}"))

    assert str(refused.value) == "id: uuid_parsing"
