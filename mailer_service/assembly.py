"""The parts of a mailer, made from its settings; nothing is opened yet."""

import ssl
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from faststream.redis import RedisBroker, RedisSentinelBroker
from redis.asyncio import Redis

from contracts import streams
from contracts.redis_pools import redis_pool, sentinel_options
from contracts.sentinel_address import SentinelAddress, is_sentinel
from mailer_service.consuming.backoff import Backoff
from mailer_service.consuming.lanes import Lane, Pace
from mailer_service.mailing.courier import Courier
from mailer_service.mailing.database import Database
from mailer_service.mailing.ledger import Ledger
from mailer_service.mailing.mailbox import Mailbox
from mailer_service.mailing.providers import Provider, Providers
from mailer_service.mailing.rates import Rate
from mailer_service.mailing.rendering import Renderer
from mailer_service.mailing.slots import Slots
from mailer_service.mailing.smtp_pool import SmtpPool
from mailer_service.mailing.smtp_url import SmtpUrl
from mailer_service.settings import MailerSettings


def lanes(settings: MailerSettings) -> tuple[Lane, Lane, Lane]:
    """Lay out the lanes: login mail may use every SMTP slot, other mail leaves the reserved ones free."""
    others = settings.connections - settings.reserved
    unhurried = _backoff(settings.backoff_accounts)
    return (
        Lane(streams.LOGIN, slots=settings.connections, backoff=_backoff(settings.backoff_login)),
        Lane(streams.ACCOUNTS, slots=others, backoff=unhurried),
        Lane(streams.SESSIONS, slots=others, backoff=unhurried),
    )


def pace(settings: MailerSettings) -> Pace:
    """Derive the consuming core's waits. What hangs together keeps its proportion when it is shortened."""
    silent = timedelta(seconds=settings.silent_after)
    return Pace(
        renew_every=silent / 5,
        silent_after=silent,
        begin_within=silent * 0.8,
        work_within=timedelta(seconds=settings.send_deadline),
        stuck_after=timedelta(seconds=settings.stuck_after),
        reclaim_every=min(silent / 10, timedelta(seconds=1)),
        drain_for=timedelta(seconds=settings.drain),
        max_attempts=settings.max_attempts,
    )


def redis_client(settings: MailerSettings, *, connections: int) -> "Redis":
    """Make a client without automatic retry: a retried read hides what the lost reply delivered."""
    pool = redis_pool(
        settings.redis_url.get_secret_value(),
        wait_seconds=5,
        max_connections=connections,
        socket_connect_timeout=2,
        socket_timeout=5,
    )
    return Redis.from_pool(pool)


def make_broker(settings: MailerSettings, *, middlewares: Sequence[Any]) -> RedisBroker:
    """Make FastStream's broker, which routes; its own connection only greets Redis at the start."""
    url = settings.redis_url.get_secret_value()
    # `decode` gives handlers a valid event: FastStream need not validate it once more, in a thread.
    options: dict[str, Any] = {"logger": None, "middlewares": middlewares, "apply_types": False}
    if not is_sentinel(url):
        return RedisBroker(url, **options)
    address = SentinelAddress.parse(url)
    options |= {"username": address.username, "password": address.password, "db": address.database}
    return RedisSentinelBroker(
        sentinels=address.sentinels,
        sentinel_master_name=address.master,
        sentinel_kwargs=sentinel_options(address),
        **options,
    )


def make_ledger(settings: MailerSettings) -> Ledger:
    """Make the ledger with its pool of Postgres connections."""
    return Ledger(
        Database(settings.sqlalchemy_url), stale_after=timedelta(seconds=settings.claim_stale_after)
    )


def make_providers(settings: MailerSettings) -> Providers:
    """Make the SMTP server that mail goes to, and the one that stands in for it where there is one."""
    written = [(settings.smtp_url, settings.smtp_ca_file, settings.smtp_rate)]
    if settings.fallback_url is not None:
        written.append((settings.fallback_url, settings.fallback_ca_file, settings.fallback_rate))
    deadline = timedelta(seconds=settings.send_deadline)
    first, *others = (
        Provider(
            SmtpPool(
                SmtpUrl.parse(url.get_secret_value()),
                tls=None if authority is None else ssl.create_default_context(cafile=authority),
            ),
            rate=Rate.parse(rate),
            probe_within=deadline,
        )
        for url, authority, rate in written
    )
    return Providers(first, *others, slots=Slots(total=settings.connections, reserved=settings.reserved))


def make_courier(settings: MailerSettings, *, ledger: Ledger) -> Courier:
    """Make the courier with its providers, and compile every mail."""
    renderer = Renderer(
        sender=Mailbox.parse(settings.sender),
        public_url=settings.public_url,
        reply_to=settings.reply_to(),
        brand=settings.brand(),
    )
    renderer.prepare()
    return Courier(
        sealer=settings.sealer(),
        ledger=ledger,
        providers=make_providers(settings),
        renderer=renderer,
        deadline=timedelta(seconds=settings.send_deadline),
    )


def _backoff(seconds: tuple[float, ...]) -> Backoff:
    return Backoff(floors=tuple(timedelta(seconds=floor) for floor in seconds))
