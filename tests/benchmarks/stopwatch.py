"""Take the time of requests, one after the other on one connection, with as little beside as can be."""

import http.client
import json
import statistics
import time
from collections.abc import Mapping, Sequence
from typing import Self
from urllib.parse import urlsplit


class Stopwatch:
    """A connection to one server."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        assert parts.hostname is not None
        self._connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=20)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def post(
        self, path: str, body: Mapping[str, object], *, status: int, headers: Mapping[str, str] | None = None
    ) -> float:
        """Send JSON and read the whole answer; gives the seconds it took."""
        content = json.dumps(body).encode()
        sent = {"Content-Type": "application/json", **(headers or {})}
        return self._ask("POST", path, content, status=status, headers=sent)

    def get(self, path: str, *, status: int = 200, headers: Mapping[str, str] | None = None) -> float:
        """Read a whole answer; gives the seconds it took."""
        return self._ask("GET", path, None, status=status, headers=headers or {})

    def _ask(
        self, method: str, path: str, content: bytes | None, *, status: int, headers: Mapping[str, str]
    ) -> float:
        began = time.perf_counter()
        self._connection.request(method, path, body=content, headers=dict(headers))
        answer = self._connection.getresponse()
        told = answer.read()
        took = time.perf_counter() - began
        assert answer.status == status, told
        return took


def in_words(seconds: Sequence[float]) -> str:
    """Sum up as median and 99th percentile."""
    ordered = sorted(seconds)
    p99 = ordered[min(len(ordered) - 1, round(0.99 * len(ordered)))]
    return f"p50 {1000 * statistics.median(ordered):6.2f} ms   p99 {1000 * p99:6.2f} ms"
