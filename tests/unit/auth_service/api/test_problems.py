import json

import pytest

from auth_service.api.problems import KINDS, Problem, documented


@pytest.mark.parametrize("code", KINDS)
def test_every_problem_has_its_full_form(code: str) -> None:
    answer = Problem(code, "Do this.", extra={"attempts_left": 2}, headers={"Retry-After": "2"}).response(
        trace_id="t"
    )
    assert answer.status_code == KINDS[code].status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["retry-after"] == "2"
    assert json.loads(bytes(answer.body)) == {
        "type": f"urn:porter:problem:{code}",
        "title": KINDS[code].title,
        "status": KINDS[code].status,
        "detail": "Do this.",
        "code": code,
        "trace_id": "t",
        "attempts_left": 2,
    }


def test_problems_of_one_status_are_described_together() -> None:
    told = documented("forbidden", "origin_refused", "unauthenticated")
    assert {status: entry["description"] for status, entry in told.items()} == {
        401: "unauthenticated",
        403: "forbidden, origin_refused",
    }
