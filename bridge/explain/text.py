"""An explanation as plain text: one fact a line, names in a column of their own."""

from collections.abc import Iterator, Mapping
from typing import Any

from bridge.uns import Json

_NOTHING = "–"


def lines(explanation: Mapping[str, Any]) -> Iterator[str]:
    """Of what `Explainer` gives, also after it has travelled as JSON."""
    rows = [("topic", explanation["topic"], ""), ("element", explanation["elementId"] or "none", "")]
    rows += [(name, shown(fact["said"]), fact.get("why", "")) for name, fact in explanation["facts"].items()]
    width = max(len(name) for name, _, _ in rows) + 2
    for name, said, why in rows:
        yield _printable(f"{name:{width}}{said}" + (f" ({why})" if why else ""))


def shown(said: Json) -> str:
    match said:
        case None:
            return _NOTHING
        case bool():
            return "yes" if said else "no"
        case dict():
            return ", ".join(f"{key}: {_inner(part)}" for key, part in said.items())
        case list():
            return ", ".join(map(_inner, said)) or _NOTHING
    return str(said)


def _inner(part: Json) -> str:
    return f"[{shown(part)}]" if isinstance(part, list | dict) else shown(part)


def _printable(line: str) -> str:
    """Payloads and topics come from anybody: nothing of them may steer a terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in line)
