"""Whatever a file holds, it is a model or a list of mistakes, each told in words."""

import datetime as dt
import re

import tomli_w
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.errors import ConfigError
from bridge.model import parse

SCALARS = st.one_of(
    st.sampled_from(["", " ", "acme", "a/{n}", "urn:acme", "Vat", "number", "object", "1.0.0", "{", "a/#/b", "é\n"]),
    st.sampled_from([0, 1, -5, 2**70, 0.5, float("inf"), True, False, dt.date(2026, 1, 1)]),
)
WORDS = """
    name namespace version description source_type kind parts unit minimum maximum enum fields items map match type
    part quality_profile use hide reverse from to path element format levels namespaces relationship tree x
"""
KEYS = st.sampled_from(WORDS.split())
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)
TABLES = st.lists(st.dictionaries(KEYS, VALUES, max_size=6) | VALUES, max_size=3)
DOCUMENTS = st.fixed_dictionaries(
    {"format": st.just(1)},
    optional={
        "levels": VALUES,
        "namespaces": st.dictionaries(st.sampled_from(["urn:acme", "no uri", "urn:i3x-bridge"]), VALUES) | VALUES,
        "type": TABLES | VALUES,
        "element": TABLES | VALUES,
        "relationship": TABLES | VALUES,
        "tree": TABLES | VALUES,
        "x": VALUES,
    },
)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(document=DOCUMENTS)
def test_any_document_is_told(document: dict[str, object]) -> None:
    """Every mistake has a line of the file, or is about the whole of it; none is told twice."""
    text = tomli_w.dumps(document)
    mistakes = mistakes_in(text)
    lines = [re.fullmatch(r"model\.toml: (?:line (\d+): )?.+", one, re.DOTALL) for one in mistakes]
    assert all(found is not None for found in lines)
    assert all(int(found[1] or 0) <= text.count("\n") + 1 for found in lines if found is not None)
    assert len(set(mistakes)) == len(mistakes)


def mistakes_in(text: str) -> tuple[str, ...]:
    """None for a file that is right."""
    try:
        parse(text, "model.toml")
    except ConfigError as error:
        return error.mistakes
    return ()
