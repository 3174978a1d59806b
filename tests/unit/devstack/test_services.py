import base64
from pathlib import Path

from contracts.sealing import Sealer
from devstack import services
from devstack.foundation import Foundation

FOUNDATION = Foundation(
    database_url="postgresql://x/y", redis_url="redis://x/0", smtp_url="smtp://x:1", inbox_url="http://x"
)


def settings(**caller: str) -> dict[str, str]:
    return services.shared_settings(
        FOUNDATION, public_url="http://localhost:1", caller=caller, log_format="json"
    )


def test_each_stack_has_secrets_of_its_own() -> None:
    one, other = settings(), settings()
    Sealer([one["SEALING_KEYS"]])
    assert len(base64.urlsafe_b64decode(one["AUTH_PEPPERS"])) == 32
    assert one["SEALING_KEYS"] != other["SEALING_KEYS"]
    assert one["AUTH_PEPPERS"] != other["AUTH_PEPPERS"]


def test_the_callers_settings_reach_the_services_but_not_its_addresses() -> None:
    given = settings(
        AUTH_CODE_DIGITS="8", MAILER_MAX_ATTEMPTS="5", AUTH_PEPPERS="mine", PUBLIC_URL="https://x"
    )
    assert given["AUTH_CODE_DIGITS"] == "8"
    assert given["MAILER_MAX_ATTEMPTS"] == "5"
    assert given["AUTH_PEPPERS"] == "mine"
    assert given["PUBLIC_URL"] == "http://localhost:1"
    assert given["DATABASE_URL"] == FOUNDATION.database_url


def test_each_service_has_a_port_of_its_own_on_the_loopback() -> None:
    shared = settings(AUTH_PORT="80", AUTH_HOST="0.0.0.0")
    program = services.auth(2, port=4000, internal_port=4001, folder=Path(), settings=shared)
    assert program.name == "auth-2"
    assert program.environment["AUTH_PORT"] == "4000"
    assert program.environment["AUTH_INTERNAL_PORT"] == "4001"
    assert program.environment["AUTH_HOST"] == "127.0.0.1"
