"""What was measured, as Markdown tables and plots."""

import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from tests.benchmarks.drain import plots
from tests.benchmarks.drain.systems import PORTER, ROOT

DOCS: Final = ROOT / "docs"
MEGABYTE: Final = 1024 * 1024

Result = Mapping[str, Any]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _by(key: str, result: Result) -> Mapping[str, list[Result]]:
    grouped = defaultdict(list)
    for row in result["rows"]:
        grouped[row[key]].append(row)
    return grouped


def _median(values: Iterable[float]) -> float:
    return statistics.median(values)


def _drain(result: Result) -> str:
    count, rounds = result["facts"]["count"], result["facts"]["rounds"]
    rates = {
        system: [row["mails"] / row["seconds"] for row in rows]
        for system, rows in _by("system", result).items()
    }
    systems = sorted(rates, key=lambda system: -_median(rates[system]))
    porter = _median(rates[PORTER.name])
    rows = [
        plots.Row(system, (_median(rates[system]),), f"{_median(rates[system]):,.0f} mails/s")
        for system in systems
    ]
    subtitle = f"{count:,} code mails, one worker process, medians of {rounds} rounds; more is better"
    _plot("drain", plots.bars("Mails a second out of a backlog", subtitle, rows))

    def cpu(system: str, which: str) -> str:
        return f"{_median(1000 * row[which] / row['mails'] for row in _by('system', result)[system]):.2f}"

    return _table(
        [
            "system",
            "mails/s",
            "lowest to highest",
            "Porter is",
            "CPU s per 1,000 mails",
            "of Redis and Postgres",
        ],
        [
            [
                system,
                f"{_median(rates[system]):,.0f}",
                f"{min(rates[system]):,.0f} to {max(rates[system]):,.0f}",
                f"{porter / _median(rates[system]):.2f} x",
                cpu(system, "cpu_seconds"),
                cpu(system, "servers_cpu_seconds"),
            ]
            for system in systems
        ],
    )


def _latency(result: Result) -> str:
    cuts, memory = {}, {}
    for system, measured in _by("system", result).items():
        percentiles = [statistics.quantiles(row["seconds"], n=100, method="inclusive") for row in measured]
        cuts[system] = tuple(1000 * _median(each[cut - 1] for each in percentiles) for cut in (50, 95, 99))
        memory[system] = _median(row["resident_bytes_idle"] for row in measured) / MEGABYTE
    systems = sorted(cuts, key=lambda system: cuts[system][0])
    rows = [
        plots.Row(system, cuts[system], f"{cuts[system][0]:.1f} / {cuts[system][2]:.1f} ms")
        for system in systems
    ]
    subtitle = "p50, p95 and p99 in milliseconds, from being asked for to the 250; less is better"
    _plot("latency", plots.spans("What a mail takes at 50 a second", subtitle, rows))
    return _table(
        ["system", "p50", "p95", "p99", "memory, idle"],
        [
            [system, *(f"{value:.1f} ms" for value in cuts[system]), f"{memory[system]:.0f} MB"]
            for system in systems
        ],
    )


def _costs(result: Result) -> str:
    rows = []
    for system, costs in _by("system", result).items():
        slowest = [cost["slowest_seconds"] for cost in costs]
        rows.append(
            [
                system,
                ", ".join(str(cost["lost"]) for cost in costs),
                ", ".join(str(cost["doubled"]) for cost in costs),
                f"{_median(slowest):.1f} s ({min(slowest):.1f} to {max(slowest):.1f})",
                f"{_median(cost['late'] for cost in costs):.0f}",
            ]
        )
    return _table(
        ["system", "lost, each round", "doubled, each round", "slowest mail", "later than a second"], rows
    )


def _growth(result: Result) -> str:
    rates = {
        case: _median(row["mails"] / row["seconds"] for row in rows)
        for case, rows in _by("system", result).items()
    }
    cpu = {
        case: _median(1000 * row["cpu_seconds"] / row["mails"] for row in rows)
        for case, rows in _by("system", result).items()
    }
    first = next(iter(rates.values()))
    return _table(
        ["beside", "mails/s", "of the rate with nothing beside", "CPU s per 1,000 mails"],
        [[case, f"{rate:,.0f}", f"{rate / first:.2f}", f"{cpu[case]:.2f}"] for case, rate in rates.items()],
    )


def _grid(result: Result) -> str:
    few, many = sorted({row["users"] for row in result["rows"]})
    asked = {(row["users"], row["question"]): row for row in result["rows"]}
    return _table(
        ["asked for", f"{few:,} users", "again, from Redis", f"{many:,} users", "again, from Redis"],
        [
            [
                question,
                *(
                    f"{asked[users, question][which]:.1f} ms"
                    for users in (few, many)
                    for which in ("cold_milliseconds", "warm_milliseconds")
                ),
            ]
            for question in dict.fromkeys(row["question"] for row in result["rows"])
        ],
    )


def _footprint(result: Result) -> str:
    codes = result["rows"][0]["codes"]
    return _table(
        ["service", "start to ready", "memory, idle", f"after {codes:,} codes"],
        [
            [
                service,
                f"{_median(row['ready_seconds'] for row in rows):.1f} s",
                f"{_median(row['idle_bytes'] for row in rows) / MEGABYTE:.0f} MB",
                f"{_median(row['loaded_bytes'] for row in rows) / MEGABYTE:.0f} MB",
            ]
            for service, rows in _by("service", result).items()
        ],
    )


def _plot(name: str, drawn: str) -> None:
    (DOCS / f"benchmarks-{name}.svg").write_text(drawn)


TABLES: Final[Mapping[str, Callable[[Result], str]]] = {
    "drain": _drain,
    "latency": _latency,
    "kills": _costs,
    "redis": _costs,
    "growth": _growth,
    "grid": _grid,
    "footprint": _footprint,
}
