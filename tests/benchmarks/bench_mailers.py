"""How fast 1, 2 and 4 mailers drain a backlog: into a server that takes its time, and one that takes none.

The first is how mail goes in earnest, and more mailers have more connections; the second shows what a mail
costs, and ends where the processors do. Each mail arrives once, whoever sends it.
"""

import os
import sys
from pathlib import Path

import pytest

from tests.benchmarks.drains import drain
from tests.chaos.fleet import Fleet

pytestmark = pytest.mark.timeout(900)

CURVE = (1, 2, 4)
PATIENT, EAGER = 0.1, 0.0
COUNTS = {PATIENT: 1500, EAGER: 3000}
MANY = 10_000
PROCESSORS = f"{os.cpu_count()} processors for everything"


@pytest.mark.parametrize("smtp_seconds", [PATIENT, EAGER], ids=["patient", "eager"])
async def test_the_curve_over_1_2_and_4_mailers(fleet: Fleet, tmp_path: Path, smtp_seconds: float) -> None:
    count = COUNTS[smtp_seconds]
    drains = [
        await drain(
            fleet, tmp_path, name=f"of-{mailers}", mailers=mailers, count=count, smtp_seconds=smtp_seconds
        )
        for mailers in CURVE
    ]
    _tell(f"\n{count} codes, SMTP takes {smtp_seconds:g} s a mail, {PROCESSORS}")
    for done in drains:
        _tell(
            f"  {done.mailers} mailers  {done.per_second:7.0f} mails/s  "
            f"{done.per_second / drains[0].per_second:4.2f} x  "
            f"{done.cpu_seconds * 1000 / count:5.2f} CPU s per 1,000 mails  load {done.load:4.1f}  "
            f"shares {done.shares}"
        )


async def test_four_mailers_send_10000_mails_once_each(fleet: Fleet, tmp_path: Path) -> None:
    done = await drain(fleet, tmp_path, name="many", mailers=4, count=MANY, smtp_seconds=EAGER)
    _tell(f"\n4 mailers, {MANY} events, {MANY} mails, none twice: {done.per_second:.0f} mails/s")
    _tell(
        f"  {done.cpu_seconds * 1000 / MANY:.2f} CPU s per 1,000 mails  load {done.load:.1f}  "
        f"shares {done.shares}"
    )


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
