"""A consumer as a process of its own, to be killed and stopped; its argument is the address of Redis.

It writes a line a fact to stdout: `handled ID`, `dying ID`, `waiting ID`, `begun ID`, `refused ID`. What it
does with an entry, the event's locale says: `kill` ends the process at once, `wait` asks for leave to begin
after a line on stdin, anything else is done.
"""

import asyncio
import os
import signal
import sys
from dataclasses import replace

from contracts.events import LoginEvent
from mailer_service.consuming.entries import InHand
from mailer_service.consuming.lanes import Pace
from mailer_service.consuming.outcomes import Done, Left, Outcome
from tests.support.consumers import BRISK, Running

PACE: Pace = replace(BRISK, max_attempts=3)


def say(what: str, event: LoginEvent) -> None:
    """Tell the test."""
    sys.stdout.write(f"{what} {event.id}\n")
    sys.stdout.flush()


async def main(url: str) -> None:
    """Consume until SIGTERM."""
    loop = asyncio.get_running_loop()
    told, stopping = asyncio.Event(), asyncio.Event()

    async def carry(event: LoginEvent, held: InHand) -> Outcome:
        match event.data.locale:
            case "kill":
                say("dying", event)
                os._exit(1)
            case "wait":
                say("waiting", event)
                await told.wait()
                if not consumer.consumer.begin(held):
                    say("refused", event)
                    return Left("not_begun")
                say("begun", event)
        say("handled", event)
        return Done()

    consumer = Running(url, carry, pace=PACE)
    loop.add_signal_handler(signal.SIGTERM, stopping.set)
    loop.add_reader(sys.stdin, lambda: told.set() if sys.stdin.readline() else loop.remove_reader(sys.stdin))
    await consumer.start()
    await stopping.wait()
    await consumer.stop()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
