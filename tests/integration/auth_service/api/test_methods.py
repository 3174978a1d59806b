"""What cannot be done somewhere is answered with what can."""

import re

from auth_service.model.tokens import new_token
from contracts.identifiers import new_id
from tests.integration.auth_service.api.site import Site, problem


async def test_every_path_tells_all_that_can_be_done_there(site: Site) -> None:
    async with site.client() as client:
        paths = (await client.get("/openapi.json")).json()["paths"]
        for path, calls in paths.items():
            answer = await client.put(re.sub(r"\{.+?\}", str(new_id()), path))
            problem(answer, 405, "method_not_allowed")
            assert set(answer.headers["allow"].lower().split(", ")) == set(calls), path


async def test_pages_tell_so_too(site: Site) -> None:
    async with site.client() as client:
        answer = await client.put("/admin")
    problem(answer, 405, "method_not_allowed")
    assert {"GET", "HEAD"} <= set(answer.headers["allow"].split(", "))


async def test_nothing_can_be_done_where_nothing_is(site: Site) -> None:
    async with site.client() as client:
        answer = await client.put(f"/v1/{new_token()}")
    problem(answer, 404, "not_found")
    assert "allow" not in answer.headers
