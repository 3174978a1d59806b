"""The command `auth-service`. Heavy modules are imported by the commands that need them."""

import argparse
import asyncio
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from auth_service.settings import AuthSettings

Command = Callable[[argparse.Namespace], int]

FAILED: Final = 1
WRONG: Final = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; gives its exit status: 1 where it failed, 2 where a setting or argument is wrong."""
    from contracts.environment import SettingsWrong

    parsed = _parser().parse_args(arguments)
    command: Command = parsed.command
    try:
        return command(parsed)
    except SettingsWrong as wrong:
        print(*wrong.lines, sep="\n", file=sys.stderr)
        return WRONG


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="auth-service", description="Login without passwords.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    serve = commands.add_parser("serve", help="answer people and programs, and relay events")
    serve.set_defaults(command=_serve)
    relay = commands.add_parser("relay", help="only relay events (where serve has AUTH_RELAY=off)")
    relay.set_defaults(command=_relay)
    migrate = commands.add_parser("migrate", help="bring the database up to date; harmless when repeated")
    migrate.set_defaults(command=_migrate)
    admin = commands.add_parser("admin", help="administrators").add_subparsers(required=True, metavar="VERB")
    create = admin.add_parser("create", help="make an active administrator of whoever has this address")
    create.add_argument("email", metavar="EMAIL")
    create.add_argument("--name", default=None)
    create.set_defaults(command=_create_admin)
    keys = commands.add_parser("keys", help="secrets").add_subparsers(required=True, metavar="VERB")
    new = keys.add_parser("new", help="print new secrets as lines for .env")
    new.set_defaults(command=_new_keys)
    return parser


def _serve(_: argparse.Namespace) -> int:
    from auth_service.app import create_app, create_internal_app
    from auth_service.serving import run, server
    from auth_service.wiring import assemble
    from contracts.tracing import exported

    settings = _settings()
    parts = assemble(settings)
    app = create_app(parts, relaying=settings.relay == "inline")
    with exported(settings.otlp_endpoint, service="auth"):
        return _reported(
            lambda: run(
                [
                    (server(app, lifespan=True), settings.host, settings.port),
                    (
                        server(create_internal_app(parts), lifespan=False),
                        settings.host,
                        settings.internal_port,
                    ),
                ],
                on_start=lambda: _tell_start(settings, port=settings.port),
            )
        )


def _relay(_: argparse.Namespace) -> int:
    from auth_service.app import create_relay_app
    from auth_service.serving import run, server
    from auth_service.wiring import assemble
    from contracts.tracing import exported

    settings = _settings()
    app = create_relay_app(assemble(settings))
    with exported(settings.otlp_endpoint, service="auth"):
        return _reported(
            lambda: run(
                [(server(app, lifespan=True), settings.host, settings.internal_port)],
                on_start=lambda: _tell_start(settings, port=None),
            )
        )


def _migrate(_: argparse.Namespace) -> int:
    from auth_service.storage.migrate import upgrade

    settings = _settings()
    return _reported(lambda: upgrade(settings.sqlalchemy_url))


def _create_admin(arguments: argparse.Namespace) -> int:
    from auth_service.model.addresses import AddressRefused, canonical_address
    from auth_service.model.names import NameRefused, person_name

    try:
        email = canonical_address(arguments.email)
    except AddressRefused as refused:
        return _fail(f"EMAIL: {refused}", status=WRONG)
    try:
        name = None if arguments.name is None else person_name(arguments.name)
    except NameRefused as refused:
        return _fail(f"--name: {refused}", status=WRONG)
    settings = _settings()
    return _reported(lambda: asyncio.run(_admin_created(settings, email=email, name=name)))


async def _admin_created(settings: "AuthSettings", *, email: str, name: str | None) -> None:
    from auth_service.flows.administrators import create_admin
    from auth_service.wiring import open_database
    from contracts.sealing import Sealer

    sealer = Sealer([key.get_secret_value() for key in settings.sealing_keys])
    async with open_database(settings) as database, database.unit() as unit:
        user = await create_admin(email, name=name, unit=unit, sealer=sealer)
    print(f"{user.email} is an administrator and can sign in")


def _new_keys(_: argparse.Namespace) -> int:
    from auth_service.model.peppers import new_pepper
    from contracts.sealing import new_key

    print(f"SEALING_KEYS={new_key()}")
    print(f"AUTH_PEPPERS={new_pepper()}")
    return 0


def _settings() -> "AuthSettings":
    """Read the settings and have logs written as they say. Raises `SettingsWrong`."""
    from auth_service.settings import AuthSettings
    from contracts.environment import load
    from contracts.logs import configure

    settings = load(AuthSettings)
    configure(settings.log_format, service="auth_service")
    return settings


def _tell_start(settings: "AuthSettings", *, port: int | None) -> None:
    import structlog

    log = structlog.get_logger()
    if port is not None and settings.insecure_localhost:
        log.warning("cookies_insecure", reason="PUBLIC_URL is plain http on localhost: for trying out only")
    log.info(
        "auth_service_started" if port is not None else "relay_started",
        host=settings.host,
        internal_port=settings.internal_port,
        **({"port": port, "relay": settings.relay} if port is not None else {}),
    )


def _reported(work: Callable[[], None]) -> int:
    """Do the work; one line tells what keeps it from being done."""
    from auth_service.serving import PortTaken
    from auth_service.storage.faults import NotMigrated, outage_of

    try:
        work()
    except PortTaken as taken:
        return _fail(str(taken), status=FAILED)
    except Exception as fault:
        match outage_of(fault):
            case None:
                raise
            case NotMigrated():
                return _fail(f"the database has no tables yet: {NotMigrated.mend}", status=FAILED)
            case _:
                line = "cannot reach Postgres: look at DATABASE_URL, and whether it runs"
                return _fail(line, status=FAILED)
    return 0


def _fail(line: str, *, status: int) -> int:
    print(f"auth-service: {line}", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
