"""What documents have shown that their present value lacks: attributes that come and go have elements all the same.

It is noted as a document of samples, one for each such attribute, of the kind that its type is of. A later run shows
the element this first, together with its last value, and then the last value alone: so it has the attributes and their
types as before, and no value where there is none. The samples themselves are seen by nobody.
"""

from typing import Any

from bridge.space import Field, Node
from bridge.space.merging import merged
from bridge.space.shape import ARRAY, BOOLEAN, INTEGER, NULL, NUMBER, OBJECT, STRING
from bridge.uns import Json

# By kind, the most general first. No level of a topic reads like one of them: a document that repeats levels of its
# topic is about those.
_SAMPLES: tuple[tuple[int, Json], ...] = (
    (OBJECT, {}),
    (ARRAY, []),
    (STRING, "\u2026"),
    (NUMBER, -1.5),
    (INTEGER, -1),
    (BOOLEAN, False),
)


def former(box: Node, value: Json) -> dict[str, Any]:
    """Samples of attributes of an element, or of an object in it, that its value has not; mostly there are none."""
    found: dict[str, Any] = {}
    present = value if type(value) is dict else {}
    for name, field in (box.fields or {}).items():
        part = present.get(name)
        if field.fields:
            inner = former(field, part)
            if inner:
                found[name] = inner
        elif part is None and field.plan is None:
            sample = _sample(field)
            if sample is not None or name not in present:
                found[name] = sample
    return found


def shown_first(value: Json, samples: dict[str, Any]) -> Json:
    """A last value with the samples beside it; of a value that is no document only these."""
    return merged(value, samples) if type(value) is dict else samples


def _sample(field: Field) -> Json:
    kinds = field.shape.kinds & ~NULL if field.shape is not None else 0
    kinds = kinds & field.type.group or kinds
    return next((sample for kind, sample in _SAMPLES if kinds & kind), None)
