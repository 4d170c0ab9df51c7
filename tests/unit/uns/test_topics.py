"""Element ids, names and filters, by example; test_properties.py has what holds for all of them."""

import json
from urllib.parse import quote, unquote

import pytest

from bridge.uns import topics

HOSTILE = [
    pytest.param("plant/a\r\nSet-Cookie: x", "plant/a%0D%0ASet-Cookie: x", id="header-injection"),
    pytest.param("plant/a\ndata: x", "plant/a%0Adata: x", id="event-injection"),
    pytest.param("plant/../etc/passwd", "plant/../etc/passwd", id="dots"),
    pytest.param("double//slash", "double//slash", id="empty-level"),
    pytest.param("//", "//", id="only-empty-levels"),
    pytest.param("/leading", "/leading", id="leading-slash"),
    pytest.param("trailing/", "trailing/", id="trailing-slash"),
    pytest.param(" ", "%20", id="blank"),
    pytest.param(" a b ", "%20a b%20", id="outer-blanks"),
    pytest.param("a\tb", "a%09b", id="tab"),
    pytest.param("a\u2028b", "a%E2%80%A8b", id="line-separator"),
    pytest.param("a\u00a0", "a%C2%A0", id="no-break-space"),
    pytest.param("a\u202eb", "a%E2%80%AEb", id="right-to-left-override"),
    pytest.param("שלום/עולם", "שלום/עולם", id="right-to-left"),
    pytest.param("a%2fb", "a%252fb", id="percent"),
    pytest.param('it\'s "quoted"', "it's %22quoted%22", id="quotes"),
    pytest.param("a\\b", "a%5Cb", id="backslash"),
    pytest.param("a,b;c", "a%2Cb;c", id="comma"),
    pytest.param("<script>alert(1)</script>", "<script>alert(1)</script>", id="markup"),
    pytest.param("caf\u00e9", "caf\u00e9", id="composed"),
    pytest.param("cafe\u0301", "cafe\u0301", id="decomposed"),
    pytest.param("工場/ライン1/温度", "工場/ライン1/温度", id="japanese"),
    pytest.param("HasParent", "%48asParent", id="reserved"),
    pytest.param("HasParent/x", "HasParent/x", id="reserved-level"),
    pytest.param("", "%00", id="the-level-before-a-leading-slash"),
    pytest.param("a#b", "a%23b", id="illegal-hash"),
]


@pytest.mark.parametrize(("topic", "ident"), HOSTILE)
def test_hostile_topic(topic: str, ident: str) -> None:
    """Every topic has a printable, trimmed id without comma, quote or backslash, which leads back to it."""
    assert topics.element_id(topic) == ident
    assert topics.topic_of(ident) == topic
    assert ident.isprintable()
    assert ident == ident.strip()


@pytest.mark.parametrize(("topic", "ident"), HOSTILE)
def test_hostile_topic_through_json_and_url(topic: str, ident: str) -> None:
    """An id is the same after JSON and after a URL."""
    assert json.loads(json.dumps(ident)) == ident
    assert unquote(quote(ident, safe="")) == ident


def test_look_alikes_stay_apart() -> None:
    """Case, Unicode form, slashes, blanks and escapes make different topics, hence different ids."""
    alike = [
        *("a/b", "A/b", "a//b", "/a/b", "a/b/", "a /b", "a/ b", " a/b", "a%2Fb", "a%252Fb"),
        *("\u00e9", "e\u0301", "%C3%A9", "%00", "", "HasParent", "%48asParent", "hasparent"),
    ]
    assert len({topics.element_id(topic) for topic in alike}) == len(alike)


@pytest.mark.parametrize(
    ("path", "pointer"),
    [
        pytest.param(("a",), "#/a", id="key"),
        pytest.param(("a", "b"), "#/a/b", id="nested"),
        pytest.param(("a/b",), "#/a~1b", id="slash"),
        pytest.param(("a~1b",), "#/a~01b", id="tilde"),
        pytest.param(("a.b",), "#/a.b", id="dot"),
        pytest.param(("",), "#/", id="empty"),
        pytest.param((" ",), "#/%20", id="blank"),
        pytest.param(("$ref",), "#/$ref", id="reference"),
        pytest.param(("a#b",), "#/a%23b", id="hash"),
        pytest.param(("a,\n",), "#/a%2C%0A", id="control"),
    ],
)
def test_field_id(path: tuple[str, ...], pointer: str) -> None:
    """A field's id is its owner's, `#` and a JSON pointer; both lead back."""
    ident = topics.field_id(topics.element_id("a,b/c"), path)
    assert ident == "a%2Cb/c" + pointer
    assert topics.topic_of(ident) == "a,b/c"
    assert topics.pointer_of(ident) == path


def test_no_field_no_pointer() -> None:
    """An element that is no field has no pointer."""
    assert topics.pointer_of("a/b") == ()


@pytest.mark.parametrize(
    ("level", "name"),
    [
        pytest.param("Ofen 1", "Ofen 1", id="plain"),
        pytest.param("", "(empty)", id="empty"),
        pytest.param("  ", "(blank)", id="blank"),
        pytest.param("a\tb", "a%09b", id="tab"),
        pytest.param(" a,b ", "a,b", id="trimmed"),
    ],
)
def test_display_name(level: str, name: str) -> None:
    """People see a printable name that is never blank."""
    assert topics.display_name(level) == name


@pytest.mark.parametrize(
    ("topic", "found"),
    [
        pytest.param("a/b/c", ["a", "a/b"], id="plain"),
        pytest.param("a", [], id="root"),
        pytest.param("/a", [""], id="leading-slash"),
        pytest.param("//", ["", "/"], id="empty-levels"),
    ],
)
def test_prefixes(topic: str, found: list[str]) -> None:
    """All proper prefixes, the root's first."""
    assert list(topics.prefixes(topic)) == found


@pytest.mark.parametrize(
    ("pattern", "topic", "covered"),
    [
        pytest.param("#", "a/b", True, id="all"),
        pytest.param("a/#", "a", True, id="the-parent-too"),
        pytest.param("a/#", "a/b/c", True, id="below"),
        pytest.param("a/#", "ab", False, id="level-not-prefix"),
        pytest.param("a/+", "a/b", True, id="one-level"),
        pytest.param("a/+", "a", False, id="no-level"),
        pytest.param("a/+", "a/b/c", False, id="two-levels"),
        pytest.param("+", "/a", False, id="empty-level-counts"),
        pytest.param("/+", "/a", True, id="leading-slash"),
        pytest.param("a/+", "a/", True, id="empty-level"),
        pytest.param("#", "$SYS/x", False, id="system-topics"),
        pytest.param("+/x", "$SYS/x", False, id="system-topics-by-level"),
        pytest.param("$SYS/#", "$SYS/x", True, id="asked-for"),
        pytest.param("a", "A", False, id="case"),
    ],
)
def test_matches(pattern: str, topic: str, covered: bool) -> None:
    """A filter covers the topics that section 4.7 of MQTT 5 says."""
    assert topics.matches(pattern, topic) is covered


OVERLAPS = [
    pytest.param("#", "a/b", True, id="everything"),
    pytest.param("a/#", "a", True, id="the level above"),
    pytest.param("a/#", "a/b/#", True, id="one in the other"),
    pytest.param("a/+/c", "a/b/+", True, id="crossing"),
    pytest.param("+/b", "a/#", True, id="both open"),
    pytest.param("a/b", "a/b", True, id="the same"),
    pytest.param("a/+", "a", False, id="one level more"),
    pytest.param("a/+", "a/b/c", False, id="two levels more"),
    pytest.param("a/b", "a/c", False, id="another level"),
    pytest.param("a/b/#", "a/c/#", False, id="other branches"),
    pytest.param("#", "$SYS/#", False, id="dollar"),
    pytest.param("+/a", "$SYS/a", False, id="dollar and one level"),
    pytest.param("$SYS/+", "$SYS/a", True, id="both dollar"),
    pytest.param("/a", "a", False, id="an empty level"),
]


@pytest.mark.parametrize(("one", "other", "found"), OVERLAPS)
def test_overlap(one: str, other: str, found: bool) -> None:
    """Whether there can be a topic that two filters cover, whichever is named first."""
    assert topics.overlap(one, other) is topics.overlap(other, one) is found
