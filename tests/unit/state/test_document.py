"""The file format: what is written is read, and nothing else is."""

import gzip
import json

import pytest
from feeding import Feed, at_once

from bridge.space.learning.remembered import Memory
from bridge.state import document
from bridge.state.document import FORMAT, Header, Unusable, packed, unpacked

HEADER = Header(FORMAT, "1.2.3", "2026-11-21T00:00:00Z", "f00")
SAID = {"format": FORMAT, "bridge": "1.2.3", "saved": "2026-11-21T00:00:00Z", "fingerprint": "f00"}


def memory() -> Memory:
    """Of a plant with some of everything."""
    feed = Feed()
    for number in range(2_500):
        feed.take({f"acme/hall/vat{number}/doc": {"level": 1.5, "at": {"x": 1, "y": [1, "é"]}}})
    for word in ("idle", "running") * 10:
        feed.take({"acme/hall/state": word, "acme/hall/mixed": word})
    feed.take({"acme/hall/mixed": 5, "acme/queue": {"J-100": 1, "J-101": 2}}).take({"acme/queue": {"J-102": 1}})
    return at_once(feed.settle().engine.space.snapshot(20_000))


def written(*lines: object) -> bytes:
    return gzip.compress(b"\n".join(json.dumps(line).encode() for line in lines))


def test_round_trip() -> None:
    """Everything comes back as it was, however many lines it takes."""
    whole = memory()
    header, found = unpacked(packed(HEADER, whole))
    assert header == HEADER
    assert (found.roots, found.types, found.usage, found.words) == (whole.roots, whole.types, whole.usage, whole.words)
    assert _by_id(found) == _by_id(whole)


def _by_id(found: Memory) -> dict[str, object]:
    return {ident: place for place, idents in found.places for ident in idents}


def test_same_bytes() -> None:
    """One model is one file: nothing in it tells when or where it was packed."""
    assert packed(HEADER, memory()) == packed(HEADER, memory())


def test_truncated_at_every_byte() -> None:
    """Part of a file is no model."""
    whole = packed(HEADER, at_once(Feed().take({"a/b": 1}).settle().engine.space.snapshot(20_000)))
    for end in range(len(whole)):
        with pytest.raises(Unusable):
            unpacked(whole[:end])


@pytest.mark.parametrize(
    ("data", "why"),
    [
        pytest.param(b"", "not a model", id="empty"),
        pytest.param(b"[mqtt]\n", "not gzip, or not all of it", id="not gzip"),
        pytest.param(gzip.compress(b"\xff\xfe"), "not a model", id="not JSON"),
        pytest.param(gzip.compress(b"[1]"), "not a model", id="no header"),
        pytest.param(written({}), "format 0, this version reads 1", id="no format"),
        pytest.param(written({**SAID, "format": 2}), "format 2, this version reads 1", id="newer"),
        pytest.param(written({"format": 1}), "not a model", id="poor header"),
        pytest.param(written(SAID, {"types": [{"name": 5}]}), "not a model", id="wrong type"),
        pytest.param(written(SAID, {"values": []}), "not a model", id="unknown key"),
        pytest.param(gzip.compress(json.dumps(SAID).encode() + b"\n" + b"[" * 100_000), "not a model", id="deep"),
    ],
)
def test_unusable(data: bytes, why: str) -> None:
    """Whatever else is in the file is refused with a reason."""
    with pytest.raises(Unusable, match=why):
        unpacked(data)


def test_bomb(monkeypatch: pytest.MonkeyPatch) -> None:
    """A small file that would fill the memory is refused."""
    monkeypatch.setattr(document, "MAX_BYTES", 1_000)
    with pytest.raises(Unusable, match="more than 1000 bytes"):
        unpacked(gzip.compress(b"\n" * 1_001))
