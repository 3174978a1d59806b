"""Porter's drain with a ledger that is a month old, and with a backlog beyond what is drained."""

from dataclasses import dataclass, replace
from typing import Final

from tests.benchmarks.drain.draining import Drained, drain
from tests.benchmarks.drain.rounds import in_turns
from tests.benchmarks.drain.stage import Stage
from tests.benchmarks.drain.systems import PORTER, System
from tests.benchmarks.drain.telling import of_drain

FILL: Final = """
INSERT INTO mailer.deliveries (event_id, recipient, position, event_type, template, stream, state, owner,
  claim, claimed_at, attempts, provider, message_id, reply, occurred_at, expires_at, created_at, ended_at)
SELECT
  (lpad(to_hex((1000 * extract(epoch FROM at))::bigint), 12, '0') || '7' || substr(md5(n::text), 1, 3)
    || '8' || substr(md5(n::text), 4, 15))::uuid,
  'member-' || n || '@example.org', 0, 'porter.auth.otp_requested.v1', 'otp_code', '{auth.login}', 'sent',
  'mailer-' || n % 50, gen_random_uuid(), at, 1, 'smtp.example.org:25',
  '<' || md5(n::text) || '@example.org>',
  '250 2.0.0 Ok: queued as ' || substr(md5(n::text), 1, 12), at, at + interval '10 minutes', at, at
FROM (SELECT n, now() - n * interval '35 days' / $1::int AS at FROM generate_series(1, $1::int) AS n) AS told
ORDER BY n DESC
"""
"""A ledger as it is after 35 days, when the oldest rows begin to go: oldest first, as rows come."""


@dataclass(frozen=True, slots=True)
class Case:
    """What is there beside what is drained."""

    name: str
    stage: Stage
    waiting: int


async def grown(stage: Stage, *, count: int, rows: int, waiting: int, rounds: int) -> list[Drained]:
    """Drain `count` mails with nothing beside, with `rows` in the ledger, with `waiting` events, and both."""
    full = await stage.another("month", ledger_is_kept=True)
    async with full.connection() as connection:
        await connection.execute(FILL, rows, timeout=600)
        await connection.execute("VACUUM ANALYZE mailer.deliveries", timeout=600)
    cases = {
        case.name: case
        for case in (
            Case("nothing beside", stage, 0),
            Case(f"{rows} rows", full, 0),
            Case(f"{waiting} waiting", stage, waiting),
            Case("both", full, waiting),
        )
    }

    async def measure(named: System) -> Drained:
        case = cases[named.name]
        return replace(
            await drain(PORTER, stage=case.stage, count=count, waiting=case.waiting), system=case.name
        )

    systems = [replace(PORTER, name=name) for name in cases]
    return await in_turns(systems, rounds, measure, told=of_drain)
