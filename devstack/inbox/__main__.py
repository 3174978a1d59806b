"""Run the inbox: `python -m devstack.inbox --smtp-port 1025 --http-port 8025`, until SIGTERM or Ctrl-C."""

import argparse
import asyncio
from typing import Final

import uvicorn

from devstack.inbox.app import inbox_app
from devstack.inbox.mailbox import Mailbox
from devstack.inbox.smtp import SmtpServer

HOST: Final = "127.0.0.1"


async def serve(*, smtp_port: int, http_port: int) -> None:
    """Receive on one port and show on the other, both on the loopback interface."""
    mailbox = Mailbox()
    receiving = SmtpServer(mailbox, host=HOST, port=smtp_port)
    await receiving.start()
    print(f"mail to {receiving.url}, to be read at http://{HOST}:{http_port}", flush=True)
    settings = uvicorn.Config(
        inbox_app(mailbox), host=HOST, port=http_port, log_level="warning", timeout_graceful_shutdown=2
    )
    try:
        await uvicorn.Server(settings).serve()
    finally:
        await receiving.stop()


def main() -> None:
    """Read the arguments and serve."""
    arguments = argparse.ArgumentParser(prog="python -m devstack.inbox", description=__doc__)
    arguments.add_argument("--smtp-port", type=int, default=1025)
    arguments.add_argument("--http-port", type=int, default=8025)
    chosen = arguments.parse_args()
    try:
        asyncio.run(serve(smtp_port=chosen.smtp_port, http_port=chosen.http_port))
    except KeyboardInterrupt:
        print("inbox stopped", flush=True)


if __name__ == "__main__":
    main()
