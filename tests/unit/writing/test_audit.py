"""The audit log: a line for each attempt, in files that stay small, and a disk that is full."""

import asyncio
import json
from contextlib import suppress
from pathlib import Path

import pytest
from inprocess import AXIS, SPEED
from writes import EVERYTHING, pressed, put

from bridge.writing import Audit


def test_audit(tmp_path: Path):
    """Each attempt is a line: who, what, old, new, outcome."""
    audit = Audit(tmp_path / "audit.jsonl", 65_536, 3)
    bridge = pressed(audit=audit)
    put(bridge, SPEED, 6)
    put(bridge, SPEED, "x")
    bridge.device = lambda _: []
    put(bridge, f"{AXIS}#/x", 7)
    put(bridge, "acme/nothing", 8)
    audit.close()
    lines = [json.loads(line) for line in (tmp_path / "audit.jsonl").read_text().splitlines()]
    keys = ("principal", "elementId", "topic", "old", "new")
    told = [(*(one[key] for key in keys), one["outcome"][:20]) for one in lines]
    assert told == [
        ("anonymous", SPEED, SPEED, 5, 6, "ok"),
        ("anonymous", SPEED, "", None, "x", "value: does not fit "),
        ("anonymous", f"{AXIS}#/x", AXIS, 1, 7, "the broker has taken"),
        ("anonymous", "acme/nothing", "", None, 8, "no such element"),
    ]
    assert (tmp_path / "audit.jsonl").stat().st_mode & 0o777 == 0o600


def test_audit_rotates(tmp_path: Path):
    """The file stays within its bounds, the oldest lines go."""
    audit = Audit(tmp_path / "audit.jsonl", 65_536, 3)
    bridge = pressed(audit=audit)
    for _ in range(4):
        bridge.put("/objects/value", updates=[{"elementId": SPEED, "value": {"value": "x" * 900}}] * 100)
    audit.close()
    sizes = sorted(path.stat().st_size for path in tmp_path.iterdir())
    assert len(sizes) == 3
    assert max(sizes) <= 65_536


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk(caplog: pytest.LogCaptureFixture):
    """It is told once and counted, and shows; values are written all the same, and closing does no harm."""
    audit = Audit(Path("/dev/full"), 65_536, 3)
    bridge = pressed(audit=audit)
    assert [put(bridge, SPEED, number) for number in range(3)] == [(0, "")] * 3
    audit.close()
    assert audit.failures >= 3
    assert "No space left" in (audit.problem or "")
    assert len([one for one in caplog.records if "cannot be written" in one.message]) == 1


def test_a_write_that_is_broken_off_is_no_success(tmp_path: Path):
    """Whoever goes away before the value has come back leaves a line that says so."""
    audit = Audit(tmp_path / "audit.jsonl", 65_536, 3)
    bridge = pressed(EVERYTHING.model_copy(update={"echo_timeout": 5.0}), audit=audit)
    bridge.device = lambda _: []

    async def give_up() -> None:
        body = {"updates": [{"elementId": SPEED, "value": {"value": 6}}]}
        with suppress(TimeoutError):
            await asyncio.wait_for(bridge.answer("PUT", "/v1/objects/value", body), 0.05)

    asyncio.run(give_up())
    audit.close()
    (line,) = (tmp_path / "audit.jsonl").read_text().splitlines()
    assert json.loads(line)["outcome"] == "broken off"
