"""Vocabularies: which words the text elements of one name have said, and whether those are all that there are.

`StateName` says one of seven words on every machine, an order number never the same twice. While the model is young,
words are counted over all elements of a name; when it settles, a small vocabulary whose words have come again and again
is declared (JSON Schema `enum`), any other is open for good. A declared vocabulary still grows, up to a bound: a value
always conforms to its type. The order of words does not matter.
"""

from collections.abc import Iterable

MIN_WORDS = 2  # a single word is what has been the case so far
MAX_WORDS = 16  # more is a text, not a state
MAX_LENGTH = 64  # characters of a word
REPEATED = 8  # times that the words must have come on average, so that a new one is unlikely
MAX_VOCABULARIES = 10_000  # names that are watched; a plant has some hundreds


class Vocabulary:
    """The words of one name. `open`: anything may come, and nobody listens any more."""

    __slots__ = ("declared", "open", "total", "words")

    def __init__(self) -> None:
        self.words: dict[str, None] = {}
        self.total = 0
        self.open = False
        self.declared = False

    def hear(self, word: str) -> bool:
        """Take note of a word; whether that changes what is declared."""
        if self.open or word in self.words:
            self.total += not self.declared
            return False
        if len(self.words) >= MAX_WORDS or len(word) > MAX_LENGTH:
            self.open, self.words = True, {}
        else:
            self.words[word] = None
            self.total += 1
        return self.declared

    def settle(self) -> None:
        """Decide: small and repeated is declared, everything else is open."""
        few = not self.open and len(self.words) >= MIN_WORDS
        self.declared = few and self.total >= REPEATED * len(self.words)
        if not self.declared:
            self.open, self.words = True, {}


def words_of(vocabularies: Iterable[Vocabulary]) -> list[str] | None:
    """The sorted words of a type's elements, if all of their names have a declared vocabulary and it stays small."""
    words: set[str] = set()
    for vocabulary in vocabularies:
        if vocabulary.open or not vocabulary.declared:
            return None
        words.update(vocabulary.words)
    return sorted(words) if 0 < len(words) <= MAX_WORDS else None
