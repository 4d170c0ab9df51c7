"""Subscriptions of somebody who may read some topics: nothing else is monitored, waits, or is delivered."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pytest
from inprocess import AXIS, CURRENT, MOTOR, PRESS, SPEED, TEMPERATURE, InProcess

from bridge.errors import NotFound, TooMany
from bridge.space.sight import EVERYTHING
from bridge.subscriptions import (
    ALL_PENDING,
    RESERVE,
    Snapshot,
    Subscription,
    SubscriptionLimits,
    SubscriptionNote,
    Subscriptions,
)

LATER = f"{PRESS}/pressure"


def made(bridge: InProcess, read: Sequence[str], *idents: str, max_depth: int = 0) -> Subscription:
    """Of an owner who may read these; what is there at the beginning has been read."""
    all_ = bridge.engine.subscriptions
    found = all_.create("client", None, bridge.now, "anna", bridge.engine.sight(read))
    for ident in idents:
        all_.register(found, ident, max_depth)
    all_.flush()
    all_.sync(found, ALL_PENDING, bridge.now)
    return found


def later_run(bridge: InProcess, *, clean: bool) -> tuple[InProcess, Subscriptions]:
    """Another bridge that has no elements yet, and the subscriptions of this one as a file gives them back."""
    former, later = bridge.engine.subscriptions, InProcess()
    notes = msgspec.json.encode([former.note(ident) for ident in former])
    waiting = msgspec.json.encode(former.snapshot(1 << 30) if clean else None)
    later.engine.subscriptions.unsaved.tracked = True
    later.engine.subscriptions.resume(
        msgspec.json.decode(notes, type=list[SubscriptionNote]),
        msgspec.json.decode(waiting, type=Snapshot | None),
        later.now,
    )
    for ident in later.engine.subscriptions:
        later.engine.subscriptions.saved(later.engine.subscriptions.note(ident))
    return later, later.engine.subscriptions


# --- what one may have -----------------------------------------------------------------------------------------------


def test_nobody_takes_the_room_of_all(make_bridge: Callable[..., InProcess]) -> None:
    """One who has all that is theirs is refused; another one, and where nobody signs in anybody, is not."""
    bridge = make_bridge(subscriptions=SubscriptionLimits(max=6, max_each=2))
    all_ = bridge.engine.subscriptions
    first, _ = (all_.create("client", None, 0, "anna") for _ in range(2))
    with pytest.raises(TooMany, match="you have 2 subscriptions, which is the limit; delete one of them"):
        all_.create("other client", None, 0, "anna")
    all_.create("client", None, 0, "bert")
    for _ in range(3):
        all_.create("client", None, 0)
    all_.delete(first)
    all_.create("client", None, 0, "anna")


def test_nobody_monitors_all_items(make_bridge: Callable[..., InProcess]) -> None:
    """The same of items: half of all are one principal's at most, in all of their subscriptions together."""
    bridge = make_bridge(subscriptions=SubscriptionLimits(items=4))
    bridge.press()
    all_ = bridge.engine.subscriptions
    first, second = (all_.create("client", None, 0, "anna") for _ in range(2))
    all_.register(first, SPEED, 1)
    all_.register(second, SPEED, 1)
    with pytest.raises(TooMany, match="you monitor 2 items, which is the limit; unregister some of them"):
        all_.register(second, CURRENT, 1)
    all_.register(all_.create("client", None, 0, "bert"), CURRENT, 1)
    all_.delete(first)
    all_.register(second, CURRENT, 1)


# --- what is monitored ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("act", [pytest.param("register", id="register"), pytest.param("unregister", id="unregister")])
def test_hidden_is_unknown(bridge: InProcess, act: str) -> None:
    """An element that is not seen is refused in the words for one that does not exist."""
    mine, all_ = made(bridge, [TEMPERATURE]), bridge.engine.subscriptions
    calls: dict[str, Callable[[str], None]] = {
        "register": lambda ident: all_.register(mine, ident, 0),
        "unregister": lambda ident: all_.unregister(mine, ident),
    }
    texts = []
    for ident in (SPEED, MOTOR, "no/such/element"):
        with pytest.raises(NotFound) as caught:
            calls[act](ident)
        texts.append(str(caught.value))
    assert len(set(texts)) == 1
    assert (all_.items, all_.queued) == (0, 0)


@pytest.mark.parametrize(
    ("client", "owner"),
    [
        pytest.param("client", "", id="nobody"),
        pytest.param("client", "ben", id="another"),
        pytest.param("c", "anna", id="client"),
    ],
)
def test_of_another_owner(bridge: InProcess, client: str, owner: str) -> None:
    """Another owner's subscription is as unknown as another client's, and as one that never was."""
    mine, all_ = made(bridge, ["#"]), bridge.engine.subscriptions
    assert all_.get("client", mine.id, "anna") is mine
    texts = []
    for ident in (mine.id, "unknown"):
        with pytest.raises(NotFound) as caught:
            all_.get(client, ident, owner)
        texts.append(str(caught.value))
    assert texts[0] == texts[1]


def test_present_values(bridge: InProcess) -> None:
    """Registering queues the present values of what is seen, an element that is seen in part as that part."""
    all_ = bridge.engine.subscriptions
    mine = all_.create("client", None, bridge.now, "anna", bridge.engine.sight([SPEED]))
    all_.register(mine, PRESS, 0)
    assert bridge.fresh(mine) == [(PRESS, {"motor": {"speed": 5}}), (MOTOR, {"speed": 5}), (SPEED, 5)]


# --- who hears of what ------------------------------------------------------------------------------------------------


def test_hidden_part_is_silent(bridge: InProcess) -> None:
    """What a hidden element says makes no update, of nothing above it either."""
    mine, other = made(bridge, [SPEED], PRESS), made(bridge, ["#"], PRESS)
    bridge.publish(CURRENT, 9)
    bridge.publish(AXIS, {"x": 2, "pos": {"y": 3}})
    assert bridge.fresh(mine) == []
    assert len(bridge.fresh(other)) > 4


def test_composed_by_sight(bridge: InProcess) -> None:
    """One reading is another composed value for each sight."""
    some, all_of_it = made(bridge, [SPEED], MOTOR, max_depth=1), made(bridge, [f"{MOTOR}/#"], MOTOR, max_depth=1)
    bridge.publish(SPEED, 6)
    assert bridge.fresh(some) == [(MOTOR, {"speed": 6})]
    assert bridge.fresh(all_of_it) == [(MOTOR, {"current": 5.5, "speed": 6})]


def test_way_with_a_payload(bridge: InProcess) -> None:
    """An element with a payload of its own is, for who reads only parts of it, composed of these."""
    bridge.publish(MOTOR, 4711)
    some, whole = made(bridge, [SPEED], PRESS), made(bridge, ["#"], PRESS)
    bridge.pass_time(1)
    bridge.publish(SPEED, 6)
    bridge.publish(MOTOR, 4712)
    assert dict(bridge.fresh(some)) == {SPEED: 6, MOTOR: {"speed": 6}, PRESS: {"motor": {"speed": 6}}}
    assert [one for ident, one in bridge.fresh(whole) if ident == MOTOR] == [4712]


def test_fields(bridge: InProcess) -> None:
    """Fields are heard of where their owner is read."""
    mine = made(bridge, [AXIS], f"{AXIS}#/pos/y")
    bridge.publish(AXIS, {"x": 2, "pos": {"y": 3}})
    assert bridge.fresh(mine) == [(f"{AXIS}#/pos/y", 3)]
    bridge.engine.subscriptions.look_again("anna", bridge.engine.sight([SPEED]))
    bridge.publish(AXIS, {"x": 2, "pos": {"y": 4}})
    assert (bridge.fresh(mine), mine.items) == ([], {})


# --- permissions change -----------------------------------------------------------------------------------------------


def test_less_is_seen(bridge: InProcess) -> None:
    """Frozen batches keep their numbers without what is hidden now; what is seen in part has its present value."""
    mine, all_ = made(bridge, ["#"], MOTOR, TEMPERATURE), bridge.engine.subscriptions
    for number in (1, 2):
        bridge.publish(CURRENT, number)
        bridge.sync(mine)
    bridge.publish(SPEED, 7)
    bridge.publish(TEMPERATURE, 30)
    all_.look_again("anna", bridge.engine.sight([SPEED]))
    assert list(mine.items) == [MOTOR]
    batches = dict(bridge.sync(mine))
    motor = (MOTOR, {"speed": 7})
    assert batches == {1: [motor], 2: [motor], 3: [(SPEED, 7), motor]}
    assert mine.queue.gaps == []
    bridge.publish(TEMPERATURE, 31)
    assert bridge.sync(mine, 3) == []


@pytest.mark.parametrize(
    ("read", "left"),
    [
        pytest.param([MOTOR], [None], id="none of its parts"),
        pytest.param([MOTOR, SPEED], [{"speed": 5}], id="a part"),
        pytest.param([f"{MOTOR}/#"], [{"current": 9, "speed": 5}], id="all parts"),
        pytest.param([TEMPERATURE], [], id="nothing of it"),
    ],
)
def test_less_is_seen_of_a_composed_element(bridge: InProcess, read: list[str], left: list[Any]) -> None:
    """A value that waits holds no part that may not be read any more, also where the element itself may be."""
    mine = made(bridge, ["#"], MOTOR, max_depth=1)
    bridge.publish(CURRENT, 9)
    bridge.engine.subscriptions.look_again("anna", bridge.engine.sight(read))
    assert bridge.fresh(mine) == [(MOTOR, value) for value in left]


def test_items_that_may_not_be(bridge: InProcess) -> None:
    """What a file says that somebody monitors, and may not read, is not told."""
    all_, items = bridge.engine.subscriptions, [(ident, 0) for ident in (f"{AXIS}#/pos/y", AXIS, SPEED, MOTOR)]
    all_.resume([SubscriptionNote("id", "client", None, items, 1, RESERVE, "anna", (TEMPERATURE,))], None, bridge.now)
    mine = all_.get("client", "id", "anna")
    bridge.publish(AXIS, {"x": 2, "pos": {"y": 3}})
    bridge.publish(SPEED, 4)
    assert (mine.queue.held, mine.monitored()) == (0, [])


def test_an_empty_batch_keeps_its_number(bridge: InProcess) -> None:
    """What nothing is left of is delivered as nothing, so that no client sees a gap."""
    mine = made(bridge, ["#"], TEMPERATURE)
    bridge.publish(TEMPERATURE, 30)
    bridge.sync(mine)
    bridge.engine.subscriptions.look_again("anna", bridge.engine.sight([SPEED]))
    assert bridge.sync(mine) == [(1, [])]


def test_only_their_own(bridge: InProcess) -> None:
    """Nobody else's subscriptions change; an equal sight changes nothing; seeing more leaves what waits."""
    mine, all_ = made(bridge, [SPEED], MOTOR), bridge.engine.subscriptions
    bridge.publish(SPEED, 7)
    held = [*mine.queue.pending]
    all_.unsaved.tracked = True
    all_.look_again("ben", bridge.engine.sight([TEMPERATURE]))
    all_.look_again("anna", type(mine.sight)([SPEED]))
    assert (mine.sight.filters, all_.unsaved.take()) == ((SPEED,), [])
    all_.look_again("anna", EVERYTHING)
    assert ([*mine.queue.pending], all_.unsaved.take()) == (held, [mine.id])
    bridge.publish(CURRENT, 8)
    assert bridge.fresh(mine)[-1] == (MOTOR, {"current": 8, "speed": 7})


def test_an_open_stream_loses_it(bridge: InProcess) -> None:
    """What has not been taken yet is not delivered by a stream either."""
    mine, all_ = made(bridge, ["#"], SPEED, TEMPERATURE), bridge.engine.subscriptions
    stream = all_.open_stream(mine, lambda: None)
    bridge.publish(TEMPERATURE, 30)
    bridge.publish(SPEED, 8)
    all_.look_again("anna", bridge.engine.sight([SPEED]))
    assert [all_.take(stream).value, all_.peek(stream)] == [8, None]


# --- from one run to the next -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("clean", [pytest.param(True, id="orderly end"), pytest.param(False, id="crash")])
def test_restart(bridge: InProcess, clean: bool) -> None:
    """Owner and sight are what they were, before the owner has come again; elements that return are seen so."""
    mine = made(bridge, [SPEED], PRESS)
    bridge.publish(SPEED, 7)
    later, all_ = later_run(bridge, clean=clean)
    with pytest.raises(NotFound):
        all_.get("client", mine.id)
    again = all_.get("client", mine.id, "anna")
    assert (again.owner, again.sight is later.engine.sight([SPEED])) == ("anna", True)
    if clean:
        assert later.fresh(again) == [(SPEED, 7), (MOTOR, {"speed": 7}), (PRESS, {"motor": {"speed": 7}})]
    later.press()
    later.publish(SPEED, 8)
    assert dict(later.fresh(again)) == {SPEED: 8, MOTOR: {"speed": 8}, PRESS: {"motor": {"speed": 8}}}
    later.publish(CURRENT, 1)
    assert later.fresh(again) == []


def test_hidden_when_it_returns(bridge: InProcess) -> None:
    """An item whose element returns is attached only when it is seen, and is a way only once there is one."""
    made(bridge, ["#"], MOTOR, SPEED, max_depth=1)
    later, all_ = later_run(bridge, clean=False)
    (ident,) = all_
    again = all_.get("client", ident, "anna")
    all_.look_again("anna", later.engine.sight([CURRENT]))
    assert [item.ident for item in again.monitored()] == [MOTOR]
    for topic, value, told in (
        (SPEED, 1, []),
        (CURRENT, 2, [(MOTOR, {"current": 2})]),
        (SPEED, 3, []),
        (CURRENT, 4, [(MOTOR, {"current": 4})]),
    ):
        later.pass_time(1)
        later.publish(topic, value)
        later.arrange()
        assert later.fresh(again) == told
        assert (again.items[MOTOR].node is not None) == (value > 1)


@pytest.mark.parametrize(
    ("read", "idents"),
    [
        pytest.param(["#"], [PRESS, LATER, "$views/a"], id="everything"),
        pytest.param([LATER], [PRESS, LATER, "$views/a"], id="itself, and the way to it"),
        pytest.param(["acme/+/+/#"], [PRESS, LATER, "$views/a"], id="a level"),
        pytest.param(["acme/line2/#"], ["$views/a"], id="elsewhere; an alias may be of anything"),
        pytest.param([PRESS], [PRESS, "$views/a"], id="above"),
    ],
)
def test_what_is_waited_for(bridge: InProcess, read: list[str], idents: list[str]) -> None:
    """While elements are not back, items stay that the owner may see one day; the others vanish."""
    all_ = bridge.engine.subscriptions
    items = [(PRESS, 0), (LATER, 0), ("$views/a", 0)]
    bridge.engine.space.nodes.pop(PRESS)
    all_.resume([SubscriptionNote("id", "client", None, items, 1, RESERVE, "anna", ("#", "x"))], None, bridge.now)
    all_.look_again("anna", bridge.engine.sight(read))
    assert [item.ident for item in all_.get("client", "id", "anna").monitored()] == idents
    assert all_.items == len(idents)


def test_notes_of_an_earlier_version() -> None:
    """A note without an owner is of a time when nobody signed in, and everybody saw everything."""
    text: Any = ["id", "client", None, [["a", 0]], 1, 5]
    note = msgspec.json.decode(msgspec.json.encode(text), type=SubscriptionNote)
    assert (note.owner, note.read) == ("", ("#",))
