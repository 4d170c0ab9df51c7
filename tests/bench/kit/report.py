# ruff: noqa: T201 - a command line prints
"""Results: rounds of floor and subject side by side, medians, ratios and marks; a table, and JSON for machines."""

import argparse
import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median

Rounds = list[float]


@dataclass(frozen=True)
class Mark:
    """What is aimed at: `limit` is the most, or with `at_least` the least."""

    limit: float
    at_least: bool = False

    def told(self, value: float) -> str:
        met = value >= self.limit if self.at_least else value <= self.limit
        return f"{'≥' if self.at_least else '≤'} {_number(self.limit)} {'met' if met else 'MISSED'}"


@dataclass
class Row:
    """One quantity, measured in rounds for each of the table's columns; the last column is the bridge."""

    label: str
    mark: Mark | None = None
    rounds: dict[str, Rounds] = field(default_factory=dict)

    def add(self, column: str, value: float) -> None:
        self.rounds.setdefault(column, []).append(value)

    def cells(self, columns: Sequence[str]) -> list[str]:
        values = [median(self.rounds[column]) if column in self.rounds else None for column in columns]
        first, last = values[0], values[-1]
        ratio = f"{last / first:.2f}" if first and last is not None else ""
        subject = self.rounds.get(columns[-1], [])
        spread = f"{_number(min(subject))}…{_number(max(subject))}" if len(subject) > 1 else ""
        told = self.mark.told(last) if self.mark and last is not None else ""
        return [self.label, *(_number(value) for value in values), ratio, spread, told]


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"


class Report:
    """A table whose first column of numbers is the floor and whose last one is the bridge."""

    def __init__(self, title: str, columns: Sequence[str]) -> None:
        self._title = title
        self._columns = columns
        self._rows: list[Row] = []

    def row(self, label: str, mark: Mark | None = None) -> Row:
        self._rows.append(Row(label, mark))
        return self._rows[-1]

    def __str__(self) -> str:
        head = ["", *self._columns, f"÷ {self._columns[0]}", "spread", "mark"]
        lines = [head, *(row.cells(self._columns) for row in self._rows)]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        text = []
        for line in lines:
            cells = [
                line[0].ljust(widths[0]),
                *(cell.rjust(width) for cell, width in zip(line[1:-1], widths[1:-1], strict=True)),
            ]
            text.append("  ".join([*cells, line[-1]]).rstrip())
        return "\n".join([self._title, *text])

    def save(self, path: Path) -> None:
        """All rounds as JSON."""
        machine = {"python": platform.python_version(), "cpus": os.cpu_count(), "load": os.getloadavg()[0]}
        rows = [asdict(row) for row in self._rows]
        path.write_text(json.dumps({"title": self._title, "machine": machine, "rows": rows}, indent=2) + "\n")

    def finish(self, path: Path | None) -> None:
        """Print the table; save it where asked to."""
        print(self)
        if path is not None:
            self.save(path)


def options(about: str, *, seconds: float | None, rounds: int) -> argparse.ArgumentParser:
    """The options that all measurements have; `seconds` is None where length is counted otherwise."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    if seconds is not None:
        parser.add_argument("--seconds", type=float, default=seconds, help="length of one measurement")
    parser.add_argument("--rounds", type=int, default=rounds, help="rounds; medians are told")
    parser.add_argument("--json", type=Path, metavar="FILE", help="save all rounds")
    return parser
