"""Vocabularies: which words are all that there are."""

from typing import Any

import pytest
from feeding import NOW_NS, Feed

from bridge.space.learning.vocabulary import MAX_LENGTH, MAX_WORDS, REPEATED, Vocabulary, words_of
from bridge.uns.moments import SECOND

STATES = ["RUN", "STOP"]


def heard(*words: str, times: int = REPEATED) -> Vocabulary:
    found = Vocabulary()
    for word in words * times:
        found.hear(word)
    found.settle()
    return found


@pytest.mark.parametrize(
    ("found", "words"),
    [
        pytest.param(heard("RUN", "STOP"), ["RUN", "STOP"], id="few and repeated"),
        pytest.param(heard("STOP", "RUN"), ["RUN", "STOP"], id="in any order"),
        pytest.param(heard("RUN", "STOP", times=REPEATED - 1), None, id="not often enough"),
        pytest.param(heard("IDLE"), None, id="a single word"),
        pytest.param(heard(*map(str, range(MAX_WORDS + 1))), None, id="too many"),
        pytest.param(heard("RUN", "x" * (MAX_LENGTH + 1)), None, id="too long"),
        pytest.param(heard(), None, id="nothing said"),
    ],
)
def test_what_is_declared(found: Vocabulary, words: list[str] | None) -> None:
    """Only a small vocabulary whose words have come again and again is declared."""
    assert words_of([found]) == words


def test_words_of_several_names() -> None:
    """A type has a vocabulary if all of its elements have one, and together they are few."""
    small, other, open_ = heard("RUN", "STOP"), heard("ON", "OFF"), heard("a", times=1)
    assert words_of([small, other]) == ["OFF", "ON", "RUN", "STOP"]
    assert words_of([small, open_]) is None


def spoken(*states: str) -> Feed:
    """Machines whose state says all words often, settled."""
    feed = Feed()
    for number in range(REPEATED * len(states)):
        feed.take({f"p/m{number % 2}/state": states[number % len(states)]})
    return feed.settle()


def test_schema_of_states() -> None:
    """The words of all machines stand in the schema of their type; a number of orders does not."""
    feed = spoken(*STATES)
    assert feed.type("p/m0/state")["schema"] == {"type": "string", "enum": STATES}


def test_new_word_widens() -> None:
    """A value conforms to its type whatever it says: a new word is declared at once, with a new minor version."""
    feed = spoken(*STATES)
    before = feed.engine.space.revision
    feed.take({"p/m1/state": "HOLD"})
    kind = feed.type("p/m0/state")
    assert (kind["schema"]["enum"], kind["version"]) == (["HOLD", *STATES], "1.1.0")
    assert feed.engine.space.revision > before


def test_old_words_are_words() -> None:
    """A word that is older than the present one is declared like any other, before the model settles and after."""
    feed = Feed().take({"p/m1/state": said("RUN", 0)})
    for number in range(2 * REPEATED):
        feed.take({"p/m1/state": said(STATES[number % 2], -1 - number)})
    assert feed.settle().type("p/m1/state")["schema"]["enum"] == STATES
    feed.take({"p/m1/state": said("HOLD", -100)})
    assert feed.type("p/m1/state")["schema"]["enum"] == ["HOLD", *STATES]
    assert feed.value("p/m1/state")["value"] == "RUN"


def said(word: str, seconds: int) -> dict[str, Any]:
    return {"value": word, "timestamp": (NOW_NS + seconds * SECOND) // 10**6}


def test_too_many_words_open_it() -> None:
    """A vocabulary that grows beyond its bound is none any more."""
    feed = spoken(*STATES)
    for number in range(MAX_WORDS):
        feed.take({"p/m1/state": f"word {number}"})
    assert feed.type("p/m0/state")["schema"] == {"type": "string"}
    assert feed.value("p/m1/state")["value"] == f"word {MAX_WORDS - 1}"


def test_other_kinds_are_no_words() -> None:
    """An element that says numbers, too, has no vocabulary for them, and its texts stay what they are."""
    feed = spoken(*STATES)
    feed.take({"p/m1/state": 7})
    assert feed.type("p/m1/state")["schema"]["type"] == "integer"
    feed.take({"p/m1/state": "RUN"})
    assert feed.type("p/m1/state")["schema"] == {"type": "string", "enum": STATES}
