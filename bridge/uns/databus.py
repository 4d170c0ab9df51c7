"""Siemens Industrial Edge's databus: data points have short ids, a retained metadata document tells their names.

A connector publishes `{"seq": 1, "vals": [{"id": "101", "qc": 3, "ts": …, "val": 1480.5}]}` on a data topic (`ie/d/…`),
and on a metadata topic (`ie/m/…`) which data points each of its data topics carries: id, name, data type. Values may be
quoted: all numbers of old connectors, 64-bit integers of any.
"""

from collections.abc import Iterator

from msgspec import Struct

from bridge.uns.message import BAD, GOOD, UNCERTAIN, Json, Quality

MAX_NAMES = 100_000  # data points whose names are remembered; a large controller has some thousands

_QUALITIES: dict[Json, Quality] = {3: GOOD, 2: UNCERTAIN, "3": GOOD, "2": UNCERTAIN}
_TEXTS = ("string", "wstring", "char", "wchar")


class DataPoint(Struct, frozen=True):
    """What the metadata says about an id."""

    name: str
    is_text: bool = False


class Names:
    """Data points by data topic and id. When there are too many, all are forgotten: new metadata tell them again."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], DataPoint] = {}

    def learn(self, metadata: Json) -> None:
        """Take in a metadata document; what is not as it should be in it is passed over."""
        for topic, definition in _definitions(metadata):
            ident, name = definition.get("id"), definition.get("name")
            if isinstance(ident, str | int) and isinstance(name, str) and name:
                if len(self._known) >= MAX_NAMES:
                    self._known.clear()
                kind = str(definition.get("dataType")).lower()
                self._known[topic, str(ident)] = DataPoint(name, kind.startswith(_TEXTS))

    def of(self, topic: str, ident: str) -> DataPoint:
        """The data point of an id; one that is not known has the id for its name."""
        return self._known.get((topic, ident)) or DataPoint(ident)


def quality(code: Json) -> Quality | None:
    """`qc`: two bits, the larger the better; none where it is missing."""
    return None if code is None else _QUALITIES.get(code, BAD) if isinstance(code, int | str) else BAD


def is_write(topic: str) -> bool:
    """Whether a databus topic asks the connector to write: a command, not a value."""
    return topic.startswith("ie/d/") and "/dp/w/" in f"{topic}/"


def _definitions(metadata: Json) -> Iterator[tuple[str, dict[str, Json]]]:
    for connection in _objects(metadata, "connections"):
        for bundle in _objects(connection, "dataPoints"):
            topic = bundle.get("topic")
            if isinstance(topic, str):
                for definition in _objects(bundle, "dataPointDefinitions"):
                    yield topic, definition


def _objects(box: Json, key: str) -> Iterator[dict[str, Json]]:
    inside = box.get(key)
    if isinstance(inside, list):
        yield from (one for one in inside if isinstance(one, dict))
