"""What is replaced in FastStream is still there, as the pinned version has it."""

import importlib.metadata
import inspect
import tomllib
from pathlib import Path

import pytest
from faststream.redis import RedisBroker, StreamSub
from faststream.redis.subscriber.usecases import StreamSubscriber

from tests.support.consumers import Desk, Running

ROOT = Path(__file__).parents[4]


def test_faststream_is_pinned_exactly_and_installed_so() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    mailer = project["project"]["optional-dependencies"]["mailer"]
    (pin,) = (needed for needed in mailer if needed.startswith("faststream"))
    assert pin == f"faststream[redis]=={importlib.metadata.version('faststream')}"


def test_the_replaced_method_takes_the_read_that_is_thrown_away() -> None:
    assert list(inspect.signature(StreamSubscriber._get_msgs).parameters) == ["self", "read"]
    assert inspect.iscoroutinefunction(StreamSubscriber._get_msgs)


def test_the_subscribers_loop_calls_it_while_it_runs() -> None:
    loop = inspect.getsource(StreamSubscriber._consume)
    assert "while self.running" in loop
    assert "await self._get_msgs(*args)" in loop


def test_handing_over_a_message_is_public() -> None:
    assert list(inspect.signature(StreamSubscriber.consume).parameters) == ["self", "msg"]


async def test_a_subscriber_without_the_method_is_refused() -> None:
    consumer = Running("redis://127.0.0.1:1/0", Desk()).consumer
    broker = RedisBroker("redis://127.0.0.1:1/0")
    subscriber = broker.subscriber(stream=StreamSub("another", group="mailer", consumer="ada"))
    subscriber._get_msgs = None  # type: ignore[assignment,method-assign]  # what another version may have
    with pytest.raises(TypeError, match=r"no StreamSubscriber\._get_msgs"):
        consumer.attach({"login": subscriber})
