# ruff: noqa: T201 - a command line prints
"""How much holds of what engineers expect of recorded plants: for each folder its rows, and how many of them hold.

A row holds if all of its tests pass. The others are told below the table, with the reason that their test gives.
"""

import io
import re
import sys
from collections import defaultdict
from collections.abc import Mapping
from contextlib import redirect_stdout
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
_ROW = re.compile(r"\[(?P<folder>[a-z_]+)-(?P<row>\d+)[\]-]")
_TABLE_ROW = re.compile(r"^\|(?!\s*(#|topic|vendor|-)|-)", re.MULTILINE)

Row = tuple[str, int]  # folder and number


class Rows:
    """A pytest plugin that notes what became of the tests of each row."""

    def __init__(self) -> None:
        self.tested: dict[str, set[int]] = defaultdict(set)
        self.missed: dict[Row, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        found = _ROW.search(report.nodeid)
        if found is None or (report.when != "call" and report.passed):
            return
        row = found["folder"], int(found["row"])
        self.tested[row[0]].add(row[1])
        if not report.passed:
            self.missed[row] = getattr(report, "wasxfail", "") or "FAILED"


def expected(folder: Path) -> int:
    """How many rows a folder's table has; expectations without a table are one."""
    return len(_TABLE_ROW.findall((folder / "EXPECTED.md").read_text(encoding="utf-8"))) or 1


def report(rows: Rows, folders: Mapping[str, int]) -> None:
    lines = [
        (name, count, len(rows.tested[name]), sum(folder == name for folder, _ in rows.missed))
        for name, count in folders.items()
    ]
    lines.append(("all", *(sum(line[column] for line in lines) for column in (1, 2, 3))))
    print(f"\n{'folder':26} {'rows':>6} {'tested':>6} {'holding':>7}")
    for name, count, tested, missed in lines:
        print(f"{name:26} {count:6} {tested:6} {tested - missed:7}")
    for (name, number), reason in sorted(rows.missed.items()):
        print(f"{name}-{number}: {reason}")


def main() -> int:
    sys.path.insert(0, str(TESTS / "helpers"))
    import recordings

    rows = Rows()
    with redirect_stdout(io.StringIO()):
        code = pytest.main(["-q", str(TESTS / "unit" / "space" / "expected")], plugins=[rows])
    report(rows, {name: expected(recordings.SHARED / name) for name in recordings.shared_folders()})
    return int(code)


if __name__ == "__main__":
    sys.path.pop(0)  # this folder, whose http.py would hide the library's
    sys.exit(main())
