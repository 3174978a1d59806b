"""The proxies of `docs/proxies.md`, run as written there, and a client for which host names lead to them."""

import os
import re
import shutil
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final

import httpx
import pytest

from devstack.program import Program
from tests.support.running import running

PAGE: Final = Path(__file__).parents[2] / "docs" / "proxies.md"
LISTENS: Final = "127.0.0.1:8000"
APPLICATION: Final = "127.0.0.1:9000"

_NGINX: Final = """
daemon off;
master_process off;
pid nginx.pid;
error_log stderr warn;
events {{}}
http {{
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
{documented}
}}
"""
_CADDY: Final = (
    "{{\n\tadmin off\n\tauto_https disable_redirects\n\tstorage file_system caddy\n}}\n{documented}"
)


def documented(language: str) -> str:
    """Take the one block in this language from the page."""
    (block,) = re.findall(rf"(?ms)^```{language}\n(.*?)^```$", PAGE.read_text(encoding="utf-8"))
    return str(block)


@contextmanager
def nginx(*, port: int, moved: Mapping[str, str], chain: Path, folder: Path) -> Iterator[None]:
    """Run the documented nginx on `port`; `moved` tells where that which it names is, `chain` its TLS key."""
    program = _found("nginx")
    written = _moved(documented("nginx"), {**moved, "listen 443 ssl": f"listen 127.0.0.1:{port} ssl"})
    written = re.sub(r"/etc/nginx/tls/\S+(?=;)", str(chain), written)
    file = folder / "nginx.conf"
    file.write_text(_NGINX.format(documented=written), encoding="utf-8")
    command = (program, "-p", str(folder), "-e", "stderr", "-c", str(file))
    with _up(Program(name="nginx", command=command, folder=folder), port=port):
        yield


@contextmanager
def caddy(*, port: int, moved: Mapping[str, str], chain: Path, folder: Path) -> Iterator[None]:
    """Run the documented Caddy likewise, with a certificate given instead of one that it asks for."""
    program = _found("caddy")
    written = _moved(documented("caddyfile"), moved)
    site = rf"\1:{port} {{\n\tbind 127.0.0.1\n\ttls {chain} {chain}"
    written = re.sub(r"(?m)^(\S+\.example\.org) \{$", site, written)
    file = folder / "Caddyfile"
    file.write_text(_CADDY.format(documented=written), encoding="utf-8")
    command = (program, "run", "--config", str(file), "--adapter", "caddyfile")
    home = {"HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    with _up(Program(name="caddy", command=command, folder=folder, environment=home), port=port):
        yield


PROXIES: Final[Mapping[str, Callable[..., AbstractContextManager[None]]]] = {"nginx": nginx, "caddy": caddy}


class NamesLeadTo(httpx.AsyncBaseTransport):
    """Reaches every https host at one port of this machine, as if its name led there."""

    def __init__(self, port: int, *, trusted: ssl.SSLContext) -> None:
        self._port = port
        self._transport = httpx.AsyncHTTPTransport(verify=trusted, trust_env=False)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Pass a request on, under the name that it asked for."""
        there = httpx.Request(
            request.method,
            request.url.copy_with(host="127.0.0.1", port=self._port),
            headers=request.headers,
            stream=request.stream,
            extensions={**request.extensions, "sni_hostname": request.url.host},
        )
        return await self._transport.handle_async_request(there)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._transport.aclose()


def _found(name: str) -> str:
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
    if found is None:
        pytest.skip(f"{name} is not installed: docs/proxies.md's configuration for it is not run")
    return found


def _moved(written: str, moved: Mapping[str, str]) -> str:
    for before, after in moved.items():
        assert before in written, f"docs/proxies.md names no {before}"
        written = written.replace(before, after)
    return written


@contextmanager
def _up(program: Program, *, port: int) -> Iterator[None]:
    def answers() -> bool:
        with socket.socket() as tried:
            return tried.connect_ex(("127.0.0.1", port)) == 0

    with running(program, ready=answers, log=program.folder / f"{program.name}.log"):
        yield
