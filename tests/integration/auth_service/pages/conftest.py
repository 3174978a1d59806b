"""A site whose pages are looked at."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.integration.auth_service.api.site import Site, open_site


@pytest_asyncio.fixture
async def site(postgres_url: str) -> AsyncIterator[Site]:
    async with open_site(postgres_url) as opened:
        yield opened
