import re
from datetime import timedelta

import pytest

from contracts.streams import ACCOUNTS, LOGIN, STREAMS, Stream
from mailer_service.consuming.backoff import LOGIN_BACKOFF
from mailer_service.consuming.lanes import Lane, Pace

LANES = [Lane(stream, slots=4, backoff=LOGIN_BACKOFF) for stream in STREAMS]
KEYS = ("facts", "retry", "suspects", "delayed", "dead", "alive")


def test_the_keys_are_the_documented_ones() -> None:
    lane = Lane(LOGIN, slots=4, backoff=LOGIN_BACKOFF)
    assert lane.name == "login"
    assert [getattr(lane, name) for name in KEYS] == [
        "{auth.login}",
        "{auth.login}:mailer:retry",
        "{auth.login}:mailer:suspects",
        "{auth.login}:mailer:delayed",
        "{auth.login}:mailer:dead",
        "{auth.login}:mailer:alive",
    ]


@pytest.mark.parametrize("lane", LANES, ids=lambda lane: str(lane.name))
def test_all_keys_of_a_lane_share_a_cluster_slot(lane: Lane) -> None:
    tags = {re.findall(r"\{(.+?)\}", getattr(lane, name))[0] for name in KEYS}
    assert len(tags) == 1


def test_no_key_belongs_to_two_lanes_or_groups() -> None:
    lanes = [*LANES, Lane(LOGIN, slots=4, backoff=LOGIN_BACKOFF, group="audit")]
    private = [getattr(lane, name) for lane in lanes for name in KEYS if name != "facts"]
    assert len(private) == len(set(private))


def test_only_the_facts_are_everybodys() -> None:
    lane = Lane(ACCOUNTS, slots=4, backoff=LOGIN_BACKOFF)
    assert [lane.is_private(key) for key in lane.read_keys] == [False, True, True]


@pytest.mark.parametrize("stream", STREAMS, ids=lambda stream: str(stream.name))
def test_a_new_group_looks_back_no_further_than_its_stream_is_kept(stream: Stream) -> None:
    assert Pace().lookback <= stream.kept


def test_irrevocable_work_begins_only_while_nobody_can_think_its_consumer_dead() -> None:
    pace = Pace()
    assert pace.renew_every * 2 < pace.begin_within < pace.silent_after < pace.stuck_after
    assert pace.block < timedelta(seconds=5)  # the reading client's socket timeout
