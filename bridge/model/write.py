"""A document → the text of a model file: readable, and the same for the same document."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import tomli_w

from bridge.model.document import Table

_PREAMBLE = """\
# What the bridge has learnt of this namespace. Edit it, and name it in the configuration: [model] file = "…".
# Types in it are pinned: they never change, and what a value has beyond its type is shown as an extension.
#
# [[element]] says what is decided about the topics of a pattern ("+" a whole level, "*" characters within one, "#" the
# rest); later tables win, key by key. Beside type and part it may say name, description, unit, use, hide = true and
# quality_profile. [[relationship]] and [[tree]] add relationships and other hierarchies:
#
#   [[relationship]]                            [[tree]]
#   name = "FedBy"                              path = "By kind/Vats/{site} {vat}"
#   reverse = "Feeds"                           element = "acme/{site}/mixing/+/{vat}"
#   from = "acme/{site}/mixing/{hall}/vat{n}"
#   to = "acme/{site}/cip/skid{n}"
"""
_SCALARS = (str, int, float, bool, list, tuple)


def text(document: Mapping[str, Any]) -> str:
    """Raises nothing: whatever `learnt` tells can be written."""
    return "\n".join([_PREAMBLE, *_parts(document)])


def _parts(document: Mapping[str, Any]) -> Iterator[str]:
    yield tomli_w.dumps({key: document[key] for key in ("format", "levels") if key in document})
    yield tomli_w.dumps({"namespaces": document["namespaces"]})
    for key in ("type", "element", "relationship", "tree"):
        tables: Sequence[Table] = document.get(key, ())
        for table in tables:
            yield f"[[{key}]]\n{_table(key, table)}"


def _table(key: str, table: Table) -> str:
    """A table of an array: first what is one line each, then tables of its own."""
    lines = {name: value for name, value in table.items() if isinstance(value, _SCALARS)}
    inner = {name: value for name, value in table.items() if name not in lines}
    if not inner:
        return tomli_w.dumps(lines)
    return f"{tomli_w.dumps(lines)}\n{tomli_w.dumps({key: inner})}"
