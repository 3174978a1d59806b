"""Which failures to get an image excuse its tests: the network's alone, where something is fetched."""

import pytest

from tests.compose.beyond_us import is_beyond_us

RESOLVING = "failed to solve: failed to resolve source metadata for docker.io/library/python:3.13-slim:"
REGISTRY = 'Error response from daemon: Get "https://registry-1.docker.io/v2/":'


@pytest.mark.parametrize(
    "line",
    [
        f"{RESOLVING} dial tcp: lookup registry-1.docker.io on 127.0.0.11:53: no such host",
        f"{REGISTRY} net/http: TLS handshake timeout",
        f"{REGISTRY} dial tcp 1.2.3.4:443: i/o timeout",
        "Error response from daemon: toomanyrequests: You have reached your pull rate limit.",
        "#9 3.1 WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError(...)'",
        "#9 3.1 ERROR: Could not install packages due to an OSError: (ProxyError('Cannot connect'))",
        "#9 5.5 write /opt/porter/x: no space left on device",
        "docker compose build: not done after 420 s",
    ],
)
def test_a_network_that_fails_whoever_fetches_is_beyond_us(line: str) -> None:
    assert is_beyond_us(f"docker compose build: status 17\n#1 [internal] load build definition\n{line}\n")


@pytest.mark.parametrize(
    "line",
    [
        "#12 1.4 ConnectionRefusedError: [Errno 111] Connection refused",
        "#12 1.4 TimeoutError: timed out",
        "#9 3.1 ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.",
        "#9 3.1 ERROR: No matching distribution found for redis==99.0",
        "Error response from daemon: manifest for redis:88-alpine not found: manifest unknown",
        f"{RESOLVING} docker.io/library/python:3.13-slim: not found",
        "services.redis.healthcheck Additional property timed is not allowed",
    ],
)
def test_what_is_wrong_with_what_is_built_or_named_is_ours(line: str) -> None:
    assert not is_beyond_us(f"docker compose build: status 17\n{line}\n")
