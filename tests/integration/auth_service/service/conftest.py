"""A running service for each module of tests that asks it over HTTP."""

from collections.abc import Callable, Iterator

import pytest

from tests.integration.auth_service.service.running import Service, serving
from tests.support.postgres import Databases


@pytest.fixture(scope="module")
def service(
    tmp_path_factory: pytest.TempPathFactory,
    databases: Databases,
    migrated_template: str,
    redis_servers: Callable[[str], str],
) -> Iterator[Service]:
    """Lend a service on a database of its own."""
    with (
        databases.fresh(template=migrated_template) as postgres_url,
        serving(
            folder=tmp_path_factory.mktemp("service"),
            postgres_url=postgres_url,
            redis_url=redis_servers("valkey"),
            AUTH_RESEND_COOLDOWN="1",
        ) as running,
    ):
        yield running
