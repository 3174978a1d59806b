"""`mailer-service`: run the mailer, migrate its tables, look after what became of mails, preview them."""

import argparse
import asyncio
import sys
from collections.abc import Sequence

import uvloop
from redis.exceptions import RedisError

from contracts import logs, tracing
from contracts.environment import SettingsWrong, load
from mailer_service import deliveries_cli, letters_cli, preview_cli, suppressions_cli
from mailer_service.mailing.database import PostgresAway
from mailer_service.settings import MailerSettings


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and exit with its status: 0 done, 1 failed, 2 wrong use or settings."""
    parser = argparse.ArgumentParser(prog="mailer-service", description="Sends the mail that events ask for.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("run", help="consume events and send mail until SIGTERM")
    commands.add_parser("migrate", help="bring the ledger's tables up to date; twice is fine")
    letters_cli.add_arguments(commands)
    deliveries_cli.add_arguments(commands)
    suppressions_cli.add_arguments(commands)
    preview_cli.add_arguments(commands)
    given = parser.parse_args(arguments)
    try:
        sys.exit(_run(given))
    except SettingsWrong as wrong:
        print(wrong, file=sys.stderr)
        sys.exit(2)


def _run(given: argparse.Namespace) -> int:
    if given.command == "preview":
        return preview_cli.run(given)
    settings = load(MailerSettings)
    match given.command:
        case "run":
            from mailer_service import app

            logs.configure(settings.log_format, service="mailer")
            with (
                tracing.exported(settings.otlp_endpoint, service="mailer"),
                asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
            ):
                return runner.run(app.run(settings))
        case "migrate":
            return _migrate(settings)
        case "deliveries" | "suppressions":
            return _look_up(given, settings)
        case _:
            try:
                return asyncio.run(letters_cli.run(given, settings))
            except (RedisError, OSError) as fault:
                print(f"REDIS_URL: {fault}: is Redis running, and is this its address?", file=sys.stderr)
                return 1


def _migrate(settings: MailerSettings) -> int:
    from sqlalchemy.exc import SQLAlchemyError

    from mailer_service.mailing import migrate

    try:
        migrate.upgrade(settings.sqlalchemy_url)
    except (SQLAlchemyError, OSError) as fault:
        reason = str(getattr(fault, "orig", None) or fault).splitlines()[0]
        print(f"DATABASE_URL: {reason}: is Postgres running, and is this its address?", file=sys.stderr)
        return 1
    return 0


def _look_up(given: argparse.Namespace, settings: MailerSettings) -> int:
    run = deliveries_cli.run if given.command == "deliveries" else suppressions_cli.run
    try:
        return asyncio.run(run(given, settings.sqlalchemy_url))
    except PostgresAway as away:
        mend = "is Postgres running, and is this its address?"
        if away.lacks_tables:
            mend = "its tables are not up to date: run 'mailer-service migrate'"
        print(f"DATABASE_URL: {away}: {mend}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    main()
