import asyncio
from datetime import timedelta

from mailer_service.consuming.entries import Entry
from mailer_service.consuming.hands import Hands

AT_ONCE = timedelta()
LONG = timedelta(seconds=10)


def entry(number: int, key: str = "key") -> Entry:
    return Entry(key, f"{number}-0", {})


def test_what_is_taken_fills_the_slots_until_it_is_released() -> None:
    hands = Hands(slots=2)
    first = hands.take(entry(1), asked_at=5.0)
    assert (len(hands), hands.free) == (1, 1)
    hands.take(entry(2), asked_at=5.0)
    hands.take(entry(3), asked_at=5.0)
    assert (len(hands), hands.free) == (3, 0)
    hands.release(first)
    assert (len(hands), hands.free) == (2, 0)
    assert first not in list(hands)
    assert first.asked_at == 5.0


def test_ids_are_told_by_stream() -> None:
    hands = Hands(slots=4)
    for number, key in ((1, "a"), (2, "a"), (1, "b")):
        hands.take(entry(number, key), asked_at=0)
    assert sorted(hands.ids("a")) == ["1-0", "2-0"]
    assert hands.ids("b") == ["1-0"]
    assert hands.ids("c") == []


def test_an_entry_delivered_twice_is_in_hand_until_both_are_released() -> None:
    hands = Hands(slots=4)
    first, second = hands.take(entry(1), asked_at=0), hands.take(entry(1), asked_at=1)
    hands.release(first)
    assert hands.ids("key") == ["1-0"]
    hands.release(second)
    hands.release(second)
    assert len(hands) == 0


async def test_a_free_slot_is_waited_for() -> None:
    hands = Hands(slots=1)
    assert await hands.wait_free(within=AT_ONCE)
    held = hands.take(entry(1), asked_at=0)
    assert not await hands.wait_free(within=AT_ONCE)
    waiting = asyncio.create_task(hands.wait_free(within=LONG))
    await asyncio.sleep(0)
    hands.release(held)
    assert await waiting


async def test_a_slot_freed_and_taken_again_is_not_free() -> None:
    hands = Hands(slots=1)
    first = hands.take(entry(1), asked_at=0)
    waiting = asyncio.create_task(hands.wait_free(within=LONG))
    await asyncio.sleep(0)
    hands.release(first)
    second = hands.take(entry(2), asked_at=0)
    await asyncio.sleep(0)
    assert not waiting.done()
    hands.release(second)
    assert await waiting


async def test_what_only_waits_for_its_acknowledgement_takes_no_slot() -> None:
    hands = Hands(slots=1)
    held = hands.take(entry(1), asked_at=0)
    waiting = asyncio.create_task(hands.wait_free(within=LONG))
    await asyncio.sleep(0)
    held.end()
    assert await waiting
    assert hands.free == 1
    assert hands.ids("key") == ["1-0"], "it still pends, and is no stray"


def test_no_more_wait_for_their_acknowledgement_than_there_are_slots() -> None:
    hands = Hands(slots=2)
    for number in range(3):
        hands.take(entry(number), asked_at=0).end()
    assert hands.free == 1
    hands.take(entry(3), asked_at=0).end()
    assert hands.free == 0
