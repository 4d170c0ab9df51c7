"""Siemens Industrial Edge's databus: data points have short ids, a retained metadata document tells their names.

A connector publishes `{"seq": 1, "vals": [{"id": "101", "qc": 3, "ts": …, "val": 1480.5}]}` on a data topic (`ie/d/…`),
and on a metadata topic (`ie/m/…`) which data points each of its data topics carries: id, name, data type. Values may be
quoted: all numbers of old connectors, 64-bit integers of any.

A data point's element is named by its id, for that stands in every message; the name is what people call it, whichever
of the two topics comes first (`space.conventions`). Only the data type is remembered here: it tells texts from quoted
numbers.
"""

import sys
from collections.abc import Iterator

from bridge.uns.message import BAD, GOOD, UNCERTAIN, Json, Quality

MAX_POINTS = 100_000  # data points whose types are remembered; a large controller has some thousands

_QUALITIES: dict[Json, Quality] = {3: GOOD, 2: UNCERTAIN, "3": GOOD, "2": UNCERTAIN}
_TEXTS = ("string", "wstring", "char", "wchar")


class DataTypes:
    """By data topic and id. When there are too many, all are forgotten: new metadata tell them again."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], str] = {}

    def learn(self, metadata: Json) -> None:
        """Take in a metadata document; what is not as it should be in it is passed over."""
        for topic, ident, definition in definitions(metadata):
            kind = definition.get("dataType")
            if isinstance(kind, str) and kind:
                if len(self._known) >= MAX_POINTS:
                    self._known.clear()
                self._known[topic, ident] = sys.intern(kind)

    def of(self, topic: str, ident: str) -> str:
        """The data type of a data point as its connector calls it; "" where it is not known."""
        return self._known.get((topic, ident), "")


def is_text(data_type: str) -> bool:
    return data_type.lower().startswith(_TEXTS)


def quality(code: Json) -> Quality | None:
    """`qc`: two bits, the larger the better; none where it is missing."""
    return None if code is None else _QUALITIES.get(code, BAD) if isinstance(code, int | str) else BAD


def is_write(topic: str) -> bool:
    """Whether a databus topic asks the connector to write: a command, not a value."""
    return topic.startswith("ie/d/") and "/dp/w/" in f"{topic}/"


def is_metadata(topic: str) -> bool:
    """Whether a databus topic tells which data points there are."""
    return topic.startswith("ie/m/")


def definitions(metadata: Json) -> Iterator[tuple[str, str, dict[str, Json]]]:
    """Data topic, id and definition of each data point in a metadata document."""
    for connection in _objects(metadata, "connections"):
        for bundle in _objects(connection, "dataPoints"):
            topic = bundle.get("topic")
            if isinstance(topic, str):
                for definition in _objects(bundle, "dataPointDefinitions"):
                    ident = definition.get("id")
                    if type(ident) is int or (isinstance(ident, str) and ident):
                        yield topic, str(ident).strip(), definition


def _objects(box: Json, key: str) -> Iterator[dict[str, Json]]:
    inside = box.get(key) if isinstance(box, dict) else None
    if isinstance(inside, list):
        yield from (one for one in inside if isinstance(one, dict))
