"""A running stack for each module of tests that uses it as people do."""

from collections.abc import AsyncIterator

import pytest_asyncio

from devstack.stack import Stack
from tests.support.stacks import own_stack


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack() -> AsyncIterator[Stack]:
    """Lend a stack with one of each; tests that share it use people of their own."""
    async with own_stack() as running:
        yield running
