import structlog
from structlog.testing import LogCapture

from contracts.identifiers import new_id
from tests.integration.auth_service.api.site import Site

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


async def test_a_callers_trace_is_continued_into_the_event(site: Site) -> None:
    async with site.browser(traceparent=f"00-{TRACE}-00f067aa0ba902b7-01") as browser:
        answer = await browser.post("/v1/login/challenges", json={"email": "ada@example.org"})
    assert answer.headers["porter-trace-id"] == TRACE
    (event,) = await site.door.events()
    assert event.traceparent is not None
    version, trace, span, flags = event.traceparent.split("-")
    assert (version, trace, flags) == ("00", TRACE, "01")
    assert span != "00f067aa0ba902b7"


async def test_requests_are_measured_by_route_not_by_address(site: Site) -> None:
    async with site.browser() as browser:
        for _ in range(2):
            await browser.post(f"/v1/login/challenges/{new_id()}/verify", json={"code": "123456"})
        await browser.get("/nowhere")
        await browser.request("BREW", "/v1/me")
        for path in ("/login", "/static/porter.css", "/static/api.js", "/static/nowhere", "/healthz", "/"):
            await browser.get(path)
        await browser.post("/login")

    def count(route: str, method: str, status: str) -> float | None:
        labels = {"route": route, "method": method, "status": status}
        name = "auth_http_request_duration_seconds_count"
        return site.parts.registry.get_sample_value(name, labels)

    assert count("/v1/login/challenges/{challenge_id}/verify", "POST", "410") == 2
    assert count("unmatched", "GET", "404") == 2
    assert (count("/login", "GET", "200"), count("/login", "POST", "415")) == (1, 1)
    assert (count("/static", "GET", "200"), count("/healthz", "GET", "200")) == (2, 1)
    assert count("/", "GET", "303") == 1
    assert count("/v1/me", "other", "405") == 1


async def test_logs_tell_what_happened_and_never_to_whom(site: Site) -> None:
    await site.door.member("ada@example.org")
    capture = LogCapture()
    structlog.configure(processors=[structlog.contextvars.merge_contextvars, capture])
    try:
        async with site.browser() as browser:
            await site.sign_in(browser, "ada@example.org")
            secrets = [cookie.value or "" for cookie in browser.cookies.jar]
            await browser.delete("/v1/sessions/current")
    finally:
        structlog.reset_defaults()
    events = [line["event"] for line in capture.entries]
    assert events == [
        *("challenge_started", "request_answered", "signed_in", "request_answered"),
        *("signed_out", "request_answered"),
    ]
    assert all(len(line["trace_id"]) == 32 for line in capture.entries)
    written = str(capture.entries)
    assert "ada@" not in written
    assert "Ada" not in written
    assert len(secrets) == 3  # the binding's, the session's and the device's
    assert not any(secret in written for secret in secrets)
