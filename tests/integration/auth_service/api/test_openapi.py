from typing import Any

from auth_service.api.login_bodies import (
    ChallengeBody,
    ChallengeSent,
    CodeSent,
    LinkSent,
    LookBody,
    RegistrationSent,
    SignedInBody,
)
from tests.integration.auth_service.api.site import Site

SHOWN = (ChallengeBody, ChallengeSent, CodeSent, LinkSent, LookBody, RegistrationSent, SignedInBody)

CALLS = {
    ("post", "/v1/registrations"): "202",
    ("post", "/v1/login/challenges"): "202",
    ("get", "/v1/login/challenges/{challenge_id}"): "200",
    ("post", "/v1/login/challenges/{challenge_id}/resend"): "202",
    ("post", "/v1/login/challenges/{challenge_id}/verify"): "200",
    ("post", "/v1/login/links/consume"): "200",
    ("get", "/v1/sessions"): "200",
    ("get", "/v1/sessions/verify"): "204",
    ("head", "/v1/sessions/verify"): "204",
    ("delete", "/v1/sessions/current"): "204",
    ("delete", "/v1/sessions/{session_id}"): "204",
    ("post", "/v1/sessions/revoke-others"): "200",
    ("get", "/v1/me"): "200",
    ("patch", "/v1/me"): "200",
    ("delete", "/v1/me"): "204",
    ("post", "/v1/me/email"): "202",
    ("post", "/v1/me/email/verify"): "200",
    ("get", "/v1/admin/users"): "200",
    ("patch", "/v1/admin/users/{user_id}"): "200",
    ("delete", "/v1/admin/users/{user_id}"): "200",
    ("post", "/v1/admin/users/{user_id}/approve"): "200",
    ("post", "/v1/admin/users/{user_id}/reject"): "200",
    ("post", "/v1/admin/users/{user_id}/suspend"): "200",
    ("post", "/v1/admin/users/{user_id}/reinstate"): "200",
    ("post", "/v1/admin/invitations"): "200",
    ("get", "/v1/admin/audit-events"): "200",
}


async def _document(site: Site) -> dict[str, Any]:
    async with site.client() as client:
        document: dict[str, Any] = (await client.get("/openapi.json")).json()
    return document


async def test_the_document_tells_every_call_and_how_it_ends(site: Site) -> None:
    document = await _document(site)
    assert document["openapi"].startswith("3.1")
    told = {(method, path) for path, calls in document["paths"].items() for method in calls}
    assert told == set(CALLS)
    for (method, path), status in CALLS.items():
        assert status in document["paths"][path][method]["responses"]


async def test_every_error_is_described_as_a_problem(site: Site) -> None:
    document = await _document(site)
    for calls in document["paths"].values():
        for call in calls.values():
            errors = {status: told for status, told in call["responses"].items() if status >= "400"}
            assert "503" in errors
            for told in errors.values():
                schema = told["content"]["application/problem+json"]["schema"]
                assert schema == {"$ref": "#/components/schemas/ProblemBody"}
    assert "trace_id" in document["components"]["schemas"]["ProblemBody"]["properties"]


async def test_whatever_the_document_refers_to_is_in_it(site: Site) -> None:
    document = await _document(site)

    def references(node: object) -> set[str]:
        if isinstance(node, list):
            return set().union(*(references(each) for each in node))
        if not isinstance(node, dict):
            return set()
        own = {node["$ref"]} if "$ref" in node else set()
        return own.union(*(references(each) for each in node.values()))

    named = {name.removeprefix("#/components/schemas/") for name in references(document)}
    assert named <= set(document["components"]["schemas"])


async def test_signing_in_is_shown_by_examples_that_fit(site: Site) -> None:
    document = await _document(site)
    schemas = document["components"]["schemas"]
    shown = set()
    for calls in document["paths"].values():
        for call in (call for call in calls.values() if call["tags"] == ["signing in"]):
            assert len(call["description"]) > 40
            bodies = [told for status, told in call["responses"].items() if status < "400"]
            for body in [*bodies, *([call["requestBody"]] if "requestBody" in call else [])]:
                shown.add(body["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2])
    assert shown == {each.__name__ for each in SHOWN}
    for each in SHOWN:
        (example,) = schemas[each.__name__]["examples"]
        assert (
            each.model_validate(example).model_dump(mode="json", exclude_unset=True).keys() == example.keys()
        )
