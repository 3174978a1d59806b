"""Results in words, a line each, for whoever watches."""

import sys

from tests.benchmarks.drain.draining import Drained
from tests.benchmarks.drain.footprint import Footprint
from tests.benchmarks.drain.killing import Cost
from tests.benchmarks.drain.latency import Waited

MEGABYTE = 1024 * 1024


def tell(line: str) -> None:
    """Say a line."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def of_drain(done: Drained) -> str:
    """Tell one drain."""
    return (
        f"{done.system:20} {done.per_second:7.0f} mails/s   {done.cpu_per_thousand:6.3f} CPU s per 1,000   "
        f"servers {1000 * done.servers_cpu_seconds / done.mails:6.3f}   load {done.load:.1f}"
    )


def of_latency(waited: Waited) -> str:
    """Tell what the mails of one steady load took."""
    cuts = "   ".join(f"p{cut} {1000 * waited.percentile(cut):7.2f} ms" for cut in (50, 95, 99))
    idle, after = waited.resident_bytes_idle / MEGABYTE, waited.resident_bytes_after / MEGABYTE
    return f"{waited.system:20} {cuts}   memory {idle:4.0f} MB idle, {after:4.0f} MB after"


def of_cost(cost: Cost) -> str:
    """Tell what kills cost."""
    return (
        f"{cost.system:20} {cost.killed} killed: of {cost.mails} mails lost {cost.lost}, "
        f"doubled {cost.doubled}, {cost.late} later than a second, slowest {cost.slowest_seconds:.1f} s, "
        f"median {1000 * cost.median_seconds:.1f} ms"
    )


def of_footprint(footprint: Footprint) -> str:
    """Tell what a service needs."""
    idle, loaded = footprint.idle_bytes / MEGABYTE, footprint.loaded_bytes / MEGABYTE
    return (
        f"{footprint.service:20} ready after {footprint.ready_seconds:.2f} s   {idle:4.0f} MB idle, "
        f"{loaded:4.0f} MB after {footprint.codes} codes"
    )
