"""One trace from the request to the mail's 250, with nothing in it that people typed or were sent."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from devstack.stack import ADMIN_EMAIL, Stack
from devstack.visitor import Visitor, expect
from tests.support.fault_smtp import Fault, FaultSmtp, Phase, Rule, rules
from tests.support.stacks import own_stack
from tests.support.trace_receiver import Received, TraceReceiver, trace_receiver
from tests.support.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

CALLER_TRACE, CALLER_SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SOON = {"OTEL_BSP_SCHEDULE_DELAY": "100"}


@pytest.fixture(scope="module")
def receiver() -> Iterator[TraceReceiver]:
    with trace_receiver() as receiver:
        yield receiver


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(receiver: TraceReceiver) -> AsyncIterator[Stack]:
    headers = {"OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20of-the-collector"}
    async with own_stack(OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url, **SOON, **headers) as running:
        yield running


def below(parent: Received, spans: list[Received]) -> dict[str, Received]:
    """Give a span's children by their names, of which there must be no two alike."""
    found = [span for span in spans if span.parent_id == parent.span_id]
    assert len({span.name for span in found}) == len(found)
    return {span.name: span for span in found}


async def whole(receiver: TraceReceiver, trace_id: str, *names: str) -> list[Received]:
    """Wait until a trace has spans of all these names, as often as each is named."""

    def told() -> bool:
        got = [span.name for span in receiver.trace(trace_id)]
        return all(got.count(name) >= names.count(name) for name in names)

    await until(told, within=15)
    return receiver.trace(trace_id)


async def test_a_sign_in_is_one_trace_from_the_request_to_the_250(
    stack: Stack, receiver: TraceReceiver
) -> None:
    async with Visitor.to(stack.environment, ADMIN_EMAIL) as admin:
        admin._auth.headers["traceparent"] = f"00-{CALLER_TRACE}-{CALLER_SPAN}-01"
        asked = await admin.ask_for_code()
        code = await admin.code()
        expect(await admin.verify(code), 200, "the right code")
        secrets = (ADMIN_EMAIL, code, admin.token, admin._binding, admin._device)
    assert asked.headers["porter-trace-id"] == CALLER_TRACE
    answering = "POST /v1/login/challenges/{challenge_id}/verify"
    published = ("publish {auth.login}", "publish {auth.sessions}", "process {auth.sessions}")
    spans = await whole(receiver, CALLER_TRACE, answering, "process {auth.login}", "record", *published)

    roots = [span for span in spans if span.parent_id == CALLER_SPAN]
    assert {span.name for span in roots} == {"POST /v1/login/challenges", answering}
    (request,) = (span for span in roots if span.name == "POST /v1/login/challenges")
    assert (request.service, request.kind) == ("auth", "server")
    assert request.attributes == {
        "http.request.method": "POST",
        "http.route": "/v1/login/challenges",
        "http.response.status_code": 202,
    }
    published_span = below(request, spans)["publish {auth.login}"]
    assert (published_span.service, published_span.kind) == ("auth", "producer")
    handled = below(published_span, spans)["process {auth.login}"]
    assert (handled.service, handled.kind) == ("mailer", "consumer")
    message = "messaging.message.id"
    assert handled.attributes[message] == published_span.attributes[message]
    assert handled.attributes["messaging.system"] == "redis"
    assert handled.attributes["messaging.destination.name"] == "{auth.login}"
    assert (handled.attributes["porter.attempt"], handled.attributes["porter.outcome"]) == (1, "Done")
    steps = below(handled, spans)
    assert steps.keys() == {"claim", "smtp", "record"}
    smtp = steps["smtp"]
    assert (smtp.kind, smtp.attributes["smtp.phase"], smtp.attributes["smtp.reply_code"]) == (
        "client",
        "data",
        250,
    )
    assert below(smtp, spans).keys() == {"render"}
    assert steps["record"].attributes == {"porter.delivery": "Sent"}
    assert not any(span.failed for span in spans)

    assert all(headers["authorization"] == "Bearer of-the-collector" for headers in receiver.headers)
    everything = b"\n".join(receiver.bodies)
    for secret in secrets:
        assert secret
        assert secret.encode() not in everything


async def test_logs_and_problems_name_the_same_trace(stack: Stack, receiver: TraceReceiver) -> None:
    async with Visitor.to(stack.environment, ADMIN_EMAIL) as admin:
        problem = (await admin.verify("000000")).json()
        trace_id = (await admin.ask_for_code()).headers["porter-trace-id"]
        await admin.code()
    assert await whole(receiver, problem["trace_id"])
    spans = await whole(receiver, trace_id, "POST /v1/login/challenges", "record")

    def lines(name: str) -> list[dict[str, str]]:
        return [json.loads(line) for line in stack.log(name).read_text("utf-8").splitlines()]

    for name, event in (("auth-1", "request_answered"), ("mailer-1", "mail_sent")):
        told = await asyncio.to_thread(lines, name)
        assert [line["event"] for line in told if line.get("trace_id") == trace_id].count(event) == 1
    assert {span.service for span in spans} == {"auth", "mailer"}


async def test_each_further_try_is_a_span_of_the_same_trace(receiver: TraceReceiver) -> None:
    put_off = Rule(Phase.RCPT, Fault("451 4.3.0 Try again later"), first=1)
    async with FaultSmtp(rules(put_off)) as smtp:
        settings = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url, "MAILER_BACKOFF_LOGIN": "0.2,0.5"}
        async with own_stack(MAILER_SMTP_URL=smtp.url, **settings, **SOON) as stack:
            async with Visitor.to(stack.environment, ADMIN_EMAIL) as admin:
                trace_id = (await admin.ask_for_code()).headers["porter-trace-id"]
            spans = await whole(
                receiver, trace_id, "process {auth.login}", "process {auth.login}", "publish {auth.login}"
            )
    tries = sorted(
        (span for span in spans if span.name == "process {auth.login}"),
        key=lambda span: span.attributes["porter.attempt"],
    )
    first, second = tries
    assert first.parent_id == second.parent_id
    assert (first.failed, first.attributes["error.type"]) == (True, "server_said_later")
    refused = below(first, spans)["smtp"]
    assert (refused.failed, refused.attributes["smtp.phase"], refused.attributes["smtp.reply_code"]) == (
        True,
        "rcpt",
        451,
    )
    assert (second.failed, second.attributes["porter.attempt"]) == (False, 2)
    assert ADMIN_EMAIL.encode() not in b"\n".join(receiver.bodies)
