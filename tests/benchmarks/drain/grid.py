"""The list of users with a thousand and with a million: milliseconds, and how Postgres reads it."""

import re
import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from redis import Redis

from tests.benchmarks.drain.stage import Stage
from tests.benchmarks.drain.telling import tell
from tests.benchmarks.stopwatch import Stopwatch
from tests.integration.auth_service.service.people import Person, settle
from tests.integration.auth_service.service.running import serving

FILL: Final = """
INSERT INTO auth.users (id, email, name, locale, role, status, version, created_at)
SELECT
  (lpad(to_hex((1000 * extract(epoch FROM at))::bigint), 12, '0') || '7' || substr(md5(n::text), 1, 3)
    || '8' || substr(md5(n::text), 4, 15))::uuid,
  'member-' || md5(n::text) || '@example.org', 'Member ' || n, 'en', 'member',
  CASE WHEN n % 1000 = 1 THEN 'pending' WHEN n % 1000 = 2 THEN 'rejected' ELSE 'active' END, 1, at
FROM (SELECT n, now() - n * interval '700 days' / $1::int AS at FROM generate_series(1, $1::int) AS n) AS told
ORDER BY n DESC
"""
"""One in a thousand waits for a decision, one in a thousand was rejected."""
SLOW_MILLISECONDS: Final = 5
PLAN: Final = re.compile(r"^\t(Limit .*?)(?=^\S|\Z)", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Asked:
    """One way to ask for the list."""

    users: int
    question: str
    cold_milliseconds: float
    """Nothing of it in Redis: Postgres is asked, for the session too."""
    warm_milliseconds: float
    """The same page again."""
    plan: str
    """How Postgres read it, where that took 5 ms."""


async def asked(stage: Stage, *, users: int, times: int) -> list[Asked]:
    """Fill a database with so many users, and ask an auth service for pages of them."""
    filled = await stage.another(f"users_{users}", ledger_is_kept=True)
    async with filled.connection() as connection:
        await connection.execute(FILL, users, timeout=900)
        await connection.execute("VACUUM ANALYZE auth.users", timeout=900)
        (admin,) = await settle(connection, 1, role="admin")
        middle = await connection.fetchval(
            "SELECT email FROM auth.users WHERE status = 'active' ORDER BY id OFFSET $1 LIMIT 1", users // 2
        )
        timed = _timed(filled, admin, middle, times=times)
        await connection.execute(
            f"ALTER DATABASE {filled.database} SET session_preload_libraries = 'auto_explain';"
            f"ALTER DATABASE {filled.database} SET auto_explain.log_min_duration = '{SLOW_MILLISECONDS}ms';"
            f"ALTER DATABASE {filled.database} SET auto_explain.log_analyze = on;"
            f"ALTER DATABASE {filled.database} SET auto_explain.log_buffers = on;"
        )
    plans = _plans(filled, admin, middle)
    return [Asked(users, question, *took, plans[question]) for question, took in timed.items()]


def _questions(someone: str) -> dict[str, dict[str, str]]:
    return {
        "first page": {},
        "those who wait for a decision": {"status": "pending"},
        "those suspended: nobody is": {"status": "suspended"},
        "a name that many have": {"q": "member"},
        "an address that one has": {"q": someone},
        "a name that nobody has": {"q": "zzzz"},
    }


def _timed(stage: Stage, admin: Person, someone: str, *, times: int) -> dict[str, tuple[float, float]]:
    timed = {}
    with (
        serving(folder=stage.folder, postgres_url=stage.database_url, redis_url=stage.redis.url) as service,
        Stopwatch(service.url) as stopwatch,
        Redis.from_url(stage.redis.url) as redis,
    ):
        for question, parameters in _questions(someone).items():
            path = f"/v1/admin/users?{urlencode(parameters)}"
            stopwatch.get(path, headers=admin.headers)
            cold, warm = [], []
            for _ in range(times):
                redis.flushall()
                cold.append(1000 * stopwatch.get(path, headers=admin.headers))
                warm.append(1000 * stopwatch.get(path, headers=admin.headers))
            timed[question] = (statistics.median(cold), statistics.median(warm))
            tell(f"  {question:32} cold {timed[question][0]:8.1f} ms   warm {timed[question][1]:6.1f} ms")
    return timed


def _plans(stage: Stage, admin: Person, someone: str) -> dict[str, str]:
    """Ask once more where Postgres writes down how it reads."""
    log = stage.folder / "postgres" / "server.log"
    plans = {}
    with (
        serving(folder=stage.folder, postgres_url=stage.database_url, redis_url=stage.redis.url) as service,
        Stopwatch(service.url) as stopwatch,
        Redis.from_url(stage.redis.url) as redis,
    ):
        for question, parameters in _questions(someone).items():
            redis.flushall()
            before = log.stat().st_size
            stopwatch.get(f"/v1/admin/users?{urlencode(parameters)}", headers=admin.headers)
            plans[question] = _written(log, before)
    return plans


def _written(log: Path, before: int) -> str:
    """Give the last plan that was written since."""
    with log.open("rb") as lines:
        lines.seek(before)
        written = lines.read().decode(errors="replace")
    found = PLAN.findall(written)
    return "\n".join(line.removeprefix("\t") for line in found[-1].splitlines()) if found else ""
