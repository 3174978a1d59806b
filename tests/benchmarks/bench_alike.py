"""Whether the time of an answer tells who has an address: 500 pairs of known and unknown, in random order.

The AUC (area under the ROC curve) is how often a known address took longer than an unknown one: at 0.5
nobody learns anything. Its confidence is Hanley and McNeil's (Radiology 143, 1982).
"""

import math
import random
import sys
from bisect import bisect_left, bisect_right
from collections.abc import Sequence

import pytest

from contracts.identifiers import new_id
from tests.benchmarks.stopwatch import Stopwatch, in_words
from tests.integration.auth_service.door import BINDING
from tests.integration.auth_service.service.people import settle
from tests.integration.auth_service.service.running import Service
from tests.support import blocking

PAIRS = 500
WARM = 100


@pytest.mark.timeout(600)
def test_the_time_of_a_challenge_beside_that_of_a_decoy(service: Service) -> None:
    order = _shuffled(blocking.run(_addresses(service)))
    took: dict[bool, list[float]] = {True: [], False: []}
    with Stopwatch(service.url) as door:
        for number in range(WARM):
            _ask(door, f"warm-{number}@example.org")
        for known, address in order:
            took[known].append(_ask(door, address))
    _tell("\nPOST /v1/login/challenges", took)


@pytest.mark.timeout(600)
def test_the_time_of_a_wrong_code_beside_that_for_a_decoy(service: Service) -> None:
    order = _shuffled(blocking.run(_challenges(service)))
    took: dict[bool, list[float]] = {True: [], False: []}
    headers = {"Porter-Binding": BINDING}
    with Stopwatch(service.url) as door:
        for known, challenge_id in order:
            path = f"/v1/login/challenges/{challenge_id}/verify"
            took[known].append(door.post(path, {"code": "000000"}, status=400, headers=headers))
    _tell("\nPOST /v1/login/challenges/{id}/verify with a wrong code", took)


def _ask(door: Stopwatch, address: str) -> float:
    return door.post("/v1/login/challenges", {"email": address, "transport": "bearer"}, status=202)


async def _addresses(service: Service) -> dict[bool, list[str]]:
    """Have as many addresses that are known as that are not, all of one length."""
    async with service.postgres() as connection:
        known = [each.email for each in await settle(connection, PAIRS)]
    return {True: known, False: [f"member-{new_id().hex}@example.org" for _ in known]}


async def _challenges(service: Service) -> dict[bool, list[str]]:
    addresses = await _addresses(service)
    async with service.door() as door:
        return {
            known: [str((await door.ask(each)).id) for each in found] for known, found in addresses.items()
        }


def _shuffled(found: dict[bool, list[str]]) -> list[tuple[bool, str]]:
    order = [(known, each) for known, several in found.items() for each in several]
    random.Random(20).shuffle(order)  # noqa: S311 - an order, no secret
    return order


def _auc(positive: Sequence[float], negative: Sequence[float]) -> tuple[float, float]:
    """Give the AUC and its standard error."""
    n, m, ordered = len(positive), len(negative), sorted(negative)
    wins = sum(bisect_left(ordered, each) + bisect_right(ordered, each) for each in positive) / 2
    area = wins / (n * m)
    both, other = area / (2 - area), 2 * area**2 / (1 + area)
    spread = area * (1 - area) + (n - 1) * (both - area**2) + (m - 1) * (other - area**2)
    return area, math.sqrt(spread / (n * m))


def _tell(title: str, took: dict[bool, list[float]]) -> None:
    area, error = _auc(took[True], took[False])
    lines = (
        f"{title}, {PAIRS} pairs in random order",
        f"  known    {in_words(took[True])}",
        f"  unknown  {in_words(took[False])}",
        f"  AUC {area:.3f}, 95 % from {area - 1.96 * error:.3f} to {area + 1.96 * error:.3f}",
    )
    sys.stdout.write("\n".join(lines) + "\n")
