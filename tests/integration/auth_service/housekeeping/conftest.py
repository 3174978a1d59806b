"""What the tests of housekeeping share."""

import pytest_asyncio

from auth_service.storage.database import Database
from tests.integration.auth_service.housekeeping.house import House


@pytest_asyncio.fixture
async def house(database: Database) -> House:
    """Have a house to keep."""
    return House(database)
