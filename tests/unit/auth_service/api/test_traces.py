import re

import pytest

from auth_service.api.traces import begin_trace

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.mark.parametrize(
    "traceparent", [f"00-{TRACE}-{SPAN}-01", f"00-{TRACE}-{SPAN}-00", f"01-{TRACE}-{SPAN}-01-of-the-future"]
)
def test_a_callers_trace_is_continued(traceparent: str) -> None:
    trace = begin_trace(traceparent)
    assert trace.trace_id == TRACE
    assert re.fullmatch(rf"00-{TRACE}-[0-9a-f]{{16}}-{traceparent.split('-')[3]}", trace.traceparent())
    assert SPAN not in trace.traceparent()


@pytest.mark.parametrize(
    "traceparent",
    [
        None,
        "",
        "nonsense",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{TRACE}-{SPAN}-01\n",
    ],
)
def test_what_cannot_be_read_begins_a_new_one(traceparent: str | None) -> None:
    first, second = begin_trace(traceparent), begin_trace(traceparent)
    assert re.fullmatch("[0-9a-f]{32}", first.trace_id)
    assert len({TRACE, first.trace_id, second.trace_id}) == 3
