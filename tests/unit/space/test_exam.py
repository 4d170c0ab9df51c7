"""What the learner makes of namespaces that it has not been tuned to: floors, to be raised with it.

`scripts/bench learn --mistakes 10` tells the marks and what is wrong.
"""

import random
from collections.abc import Callable, Mapping

import exam
import exam_factories
import exam_feeds
import exam_machines
import pytest

FLOORS: tuple[tuple[Callable[[], exam.Exam], Mapping[str, int]], ...] = (
    (exam_factories.beverages, {"things": 120, "parts": 983, "roles whole": 23, "roles pure": 23}),
    (exam_factories.glass, {"things": 70, "parts": 146, "roles whole": 14, "roles pure": 14}),
    (exam_factories.biotech, {"things": 16, "roles whole": 4, "roles pure": 4}),
    (exam_feeds.feeds, {"templates whole": 505, "templates pure": 495}),
    (exam_feeds.silent_feeds, {"templates whole": 500, "templates pure": 485}),
    (
        exam_machines.machines,
        {"things": 88, "roles whole": 20, "roles pure": 20, "templates whole": 182, "templates pure": 180},
    ),
)
A_QUARTER = 4  # one topic of so many
MISPLACED = 4  # branches, of 900: equipment that has shown one aspect


@pytest.mark.parametrize(("make", "floors"), [pytest.param(*row, id=row[0].__name__) for row in FLOORS])
def test_the_learner_reaches_its_marks(make: Callable[[], exam.Exam], floors: Mapping[str, int]) -> None:
    """Equipment is things, aspects are parts, and one kind has one type that no other kind has."""
    paper = make()
    marks = exam.mark(paper, exam.sit(paper.messages))
    assert set(marks.by_name) == set(floors)
    missed = {name: str(marks.by_name[name]) for name, floor in floors.items() if marks[name] < floor}
    assert missed == {}, "\n".join(str(mistake) for mistake in marks.mistakes if mistake.what in missed)[:4_000]


def test_a_quarter_of_the_topics_tells_equipment_from_aspects() -> None:
    """A plant that has just started to publish is placed nearly as it will be."""
    paper = exam_factories.beverages()
    chosen = random.Random(3)
    marks = exam.mark(paper, exam.sit(message for message in paper.messages if not chosen.randrange(A_QUARTER)))
    wrong = [one for one in marks.mistakes if one.what in ("things", "parts") and one.got != exam.NOTHING]
    assert len(wrong) <= MISPLACED, "\n".join(map(str, wrong))
    assert marks["roles whole"] == marks["roles pure"] == len(paper.roles)


def test_an_exam_is_the_same_each_time() -> None:
    """Marks can be compared: messages and truth depend on the seed alone."""
    for make, _ in FLOORS:
        assert make() == make()


def test_a_model_of_nothing_but_folders_fails() -> None:
    """The marks tell a learner that saw nothing from one that is right."""
    paper = exam_factories.beverages()
    marks = exam.mark(paper, exam.sit(()))
    assert (marks["things"], marks["parts"], marks["roles pure"]) == (0, 0, 0)
    assert marks.missed("things") == len(paper.things)
