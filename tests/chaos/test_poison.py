"""Entries that no mailer can do anything with, and one that no mailer survives."""

from collections import Counter
from collections.abc import Callable
from typing import cast

from contracts.codec import encode
from contracts.identifiers import new_id
from tests.chaos.events import a_code, an_approval, codes, publish
from tests.chaos.fleet import LANES, Entries, Fleet
from tests.chaos.form import FORM
from tests.chaos.poisoned_mailer import POISON
from tests.chaos.reckoning import assert_each_sent, reckon
from tests.support.smtp_faults import Fault, Phase, Rule, rules
from tests.support.waiting import until

LOGIN, ACCOUNTS, _ = LANES


async def test_what_cannot_be_read_is_dead_at_once_with_its_reason(
    fleet: Fleet, tell: Callable[[str], None]
) -> None:
    good, victim = a_code("good@example.org"), a_code("victim@example.org")
    copied = encode(a_code("thief@example.org")) | {"data": encode(victim)["data"]}
    entries: dict[str, dict[str, str]] = {
        "undecodable": {"id": str(new_id()), "what": "no event at all"},
        "unknown_type": encode(a_code("a@example.org")) | {"type": "porter.auth.cake_baked.v1"},
        "unknown_version": encode(a_code("b@example.org")) | {"type": "porter.auth.otp_requested.v9"},
        "box_copied": copied,
    }
    await fleet.start(1)
    for fields in entries.values():
        await fleet.redis.xadd(LOGIN.facts, dict(fields))  # type: ignore[arg-type]  # redis-py's invariant dict
    await publish(fleet.redis, [good])
    await until(lambda: _dead_letters_are(fleet, len(entries)), within=15)
    await fleet.quiet(within=15)

    letters = await _dead_letters(fleet)
    assert Counter(letter["reason"] for letter in letters) == Counter(entries.keys())
    assert {(letter["attempts"], letter["crashes"]) for letter in letters} == {("1", "0")}
    account = await reckon(fleet, [good])
    tell(account.line("unreadable entries"))
    assert account.accepted == {"good@example.org": 1}
    assert account.states == {"sent": 1, "dead": len(entries)}


async def test_a_mail_that_kills_its_mailer_dies_after_three_crashes_and_takes_none_with_it(
    fleet: Fleet, tell: Callable[[str], None]
) -> None:
    good = codes(9)
    events = [*good[:4], a_code(POISON), *good[4:]]
    await publish(fleet.redis, events)
    await fleet.start(2, command=("-m", "tests.chaos.poisoned_mailer"))
    await until(lambda: _dead_letters_are(fleet, 1), within=FORM.pick(short=60, long=180))
    await fleet.quiet(within=60)

    (letter,) = await _dead_letters(fleet)
    assert (letter["reason"], letter["crashes"]) == ("poisonous", "3")
    account = await reckon(fleet, events)
    tell(account.line("a poison among 9 good mails"))
    assert_each_sent(account, dead=1)
    (dead,) = await fleet.ledger.deliveries("state = 'dead'")
    assert (dead.event_id, dead.reason) == (events[4].id, "poisonous")
    assert sum(status < 0 for replica in fleet.replicas for status in replica.statuses) == 3


async def test_a_poison_on_one_stream_takes_none_with_it_on_another(
    fleet: Fleet, tell: Callable[[str], None]
) -> None:
    fleet.smtp.plan = rules(Rule(Phase.CONTENT, Fault(delay=1.0)))
    good = codes(9)
    await publish(fleet.redis, [*good, an_approval(POISON)])
    await fleet.start(1, command=("-m", "tests.chaos.poisoned_mailer"))

    async def is_buried() -> bool:
        return bool(await fleet.redis.xlen(ACCOUNTS.dead) == 1)

    await until(is_buried, within=FORM.pick(short=90, long=240))
    await fleet.quiet(within=60)

    account = await reckon(fleet, good)
    tell(account.line("a poison on the other stream"))
    assert set(account.accepted) == {f"person-{n}@example.org" for n in range(9)}
    assert await fleet.redis.xlen(LOGIN.dead) == 0
    (dead,) = await fleet.ledger.deliveries("state = 'dead'")
    assert dead.reason == "poisonous"


async def _dead_letters(fleet: Fleet) -> list[dict[str, str]]:
    return [fields for _, fields in cast("Entries", await fleet.redis.xrange(LOGIN.dead))]


async def _dead_letters_are(fleet: Fleet, count: int) -> bool:
    return int(await fleet.redis.xlen(LOGIN.dead)) == count
