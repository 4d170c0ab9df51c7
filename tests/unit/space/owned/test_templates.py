"""Templates: topic patterns whose levels hold names for what they stand for."""

import re

import pytest

from bridge.space.owned.templates import MALFORMED, Template, filled, placeholders


@pytest.mark.parametrize(
    ("template", "topic", "bound"),
    [
        pytest.param("acme/{site}/vat{n}", "acme/north/vat01", {"site": "north", "n": "01"}, id="names"),
        pytest.param("acme/{site}/vat{n}", "acme/north/vat", None, id="a name is never empty"),
        pytest.param("acme/{site}/vat{n}", "acme/north/vat01/level", None, id="deeper"),
        pytest.param("{a}-{b}/x", "one-two/x", {"a": "one", "b": "two"}, id="several in a level"),
        pytest.param("{site}/{site}-line", "n/n-line", {"site": "n"}, id="the same again"),
        pytest.param("{site}/{site}-line", "n/s-line", None, id="another one"),
        pytest.param("acme/+/{vat}", "acme//vat1", {"vat": "vat1"}, id="plus takes an empty level"),
        pytest.param("acme/v*t/{n}", "acme/vat/1", {"n": "1"}, id="star within a level"),
        pytest.param("acme/*/{n}", "acme/a/b/1", None, id="star ends at the level"),
        pytest.param("acme/{n}/#", "acme/7", {"n": "7"}, id="hash covers nothing below"),
        pytest.param("acme/{n}/#", "acme/7/8/9", {"n": "7"}, id="hash covers all below"),
        pytest.param("#", "any/thing", {}, id="hash alone"),
        pytest.param("+/x", "$own/x", None, id="reserved topics need their name"),
        pytest.param("a.c/{n}", "abc/1", None, id="a dot is a dot"),
        pytest.param("acme/{n}", "acme/a\nb", {"n": "a\nb"}, id="any character"),
    ],
)
def test_binds_names(template: str, topic: str, bound: dict[str, str] | None) -> None:
    """A covered topic tells what each name stands for."""
    found = Template(template).bind(topic)
    assert (None if found is None else dict(found)) == bound


@pytest.mark.parametrize("text", ["acme/{", "acme/}", "{1}/x", "{a b}", "{}", "{{a}}", "{a/b}"])
def test_malformed_braces_are_refused(text: str) -> None:
    """Braces hold names, nothing else."""
    with pytest.raises(ValueError, match=re.escape(MALFORMED)):
        placeholders(text)


def test_filling() -> None:
    """What the names stand for goes into another template, braces in it as they are."""
    assert filled("By kind/{site} {vat}/{site}", {"site": "{vat}", "vat": "v1"}) == "By kind/{vat} v1/{vat}"


def test_levels() -> None:
    """How many levels a topic must have is known in advance, unless it may have more."""
    assert (Template("a/{b}/+").levels, Template("a/#").levels) == (3, None)
