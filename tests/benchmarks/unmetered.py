"""A program of ours without its metrics: `python -m tests.benchmarks.unmetered MODULE WORD …`.

Runs `MODULE` as `python -m` would, in a process whose counters, gauges and histograms do nothing, labels
included: what prometheus_client costs is gone, and only the calls are left. Measured against; never for use.
"""

import runpy
import sys

from prometheus_client import Counter, Gauge, Histogram


def disarm() -> None:
    """Have every instrument of this process do nothing from now on."""

    def nothing(*_: object, **__: object) -> None:
        """Take a value and leave it."""

    def itself(instrument: object, *_: object, **__: object) -> object:
        """Be all children at once."""
        return instrument

    for kind, verbs in (
        (Counter, ("inc",)),
        (Gauge, ("inc", "dec", "set", "set_to_current_time")),
        (Histogram, ("observe",)),
    ):
        for verb in verbs:
            setattr(kind, verb, nothing)
        kind.labels = itself  # type: ignore[method-assign, assignment]  # for good: this process has no other


if __name__ == "__main__":
    disarm()
    module, *sys.argv[1:] = sys.argv[1:]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
