"""Whatever the OpenAPI document says can be asked is asked of the running service, rightly and wrongly."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, STDOUT
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from tests.integration.auth_service.service import schema_hooks
from tests.integration.auth_service.service.running import Service
from tests.integration.auth_service.service.schema_stock import lay_in
from tests.support.commands import BARE

SEED = 20
WITHIN_SECONDS = 280

pytestmark = pytest.mark.timeout(300)  # some twenty seconds on a machine with nothing else to do

# All but positive_data_acceptance: what an address or a name may be is more than JSON Schema can say.
CHECKS: Final = (
    *("not_a_server_error", "status_code_conformance", "content_type_conformance"),
    *("response_headers_conformance", "response_schema_conformance", "negative_data_rejection"),
    *("missing_required_header", "unsupported_method", "allow_header_conformance", "ignored_auth"),
)
# 410, too: headers are text whatever is in them, and what they name may be closed.
SETTINGS: Final = """
[checks.negative_data_rejection]
expected-statuses = [400, 401, 403, 404, 405, 409, 410, 413, 415, 422]
"""


@dataclass(frozen=True)
class Visit:
    """Who asks, how thoroughly, and below which paths some of it must be granted."""

    role: str | None
    examples: int
    phases: str
    welcome_at: tuple[str, ...]


VISITS: Final = (
    Visit("admin", 5, "examples,coverage,fuzzing,stateful", ("/v1/",)),
    Visit("member", 5, "examples,fuzzing", ("/v1/me", "/v1/sessions", "/v1/login", "/v1/registrations")),
    Visit(None, 5, "examples,fuzzing", ("/v1/login", "/v1/registrations")),
)


@pytest.mark.parametrize("visit", VISITS, ids=lambda visit: visit.role or "nobody")
async def test_every_call_keeps_to_the_document(service: Service, tmp_path: Path, visit: Visit) -> None:
    stock, answers = tmp_path / "stock.json", tmp_path / "answers"
    stock.write_text(json.dumps(await lay_in(service, visit.role)))
    (tmp_path / "schemathesis.toml").write_text(SETTINGS)
    faults = await _ask(
        *("run", f"{service.url}/openapi.json", "--checks", ",".join(CHECKS), "--phases", visit.phases),
        *("--seed", str(SEED), "-n", str(visit.examples), "--generation-database", "none", "--no-color"),
        folder=tmp_path,
        environment={
            "SCHEMATHESIS_HOOKS": schema_hooks.__name__,
            schema_hooks.STOCK: str(stock),
            schema_hooks.ANSWERS: str(answers),
        },
    )
    assert faults is None, faults
    answered = [line.partition(" ") for line in answers.read_text().splitlines()]
    welcome = {call for _, _, call in answered if call.partition(" ")[2].startswith(visit.welcome_at)}
    granted = {call for status, _, call in answered if status.startswith("2")}
    assert welcome
    assert not welcome - granted, "these calls were only ever refused"
    assert service.ready()


async def _ask(*words: str, folder: Path, environment: dict[str, str]) -> str | None:
    """Run schemathesis; gives what it says about the faults it found, if it found any."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", *words),
        cwd=folder,
        env=BARE | environment,
        stdout=PIPE,
        stderr=STDOUT,
    )
    try:
        output, _ = await asyncio.wait_for(process.communicate(), WITHIN_SECONDS)
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()
    return output.decode() if process.returncode else None
