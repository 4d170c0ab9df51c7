"""What the configuration says about an element itself."""

from feeding import Feed

from bridge.uns.policy import Rule

HEAT = "acme/vat1/heat"
SAID = {"name": "Wall temperature", "description": "At the wall", "unit": "K"}


def test_said_from_the_first_moment() -> None:
    """Name, description and unit are there with the element, for branches without a payload too."""
    feed = Feed(rules=[Rule(("acme/#",), SAID)]).take({HEAT: 1})
    for ident in ("acme", HEAT):
        row = feed.object(ident)
        assert row["displayName"] == "Wall temperature"
        assert row["metadata"]["description"] == "At the wall [K]"
        assert row["metadata"]["system"]["unit"] == "K"


def test_payloads_do_not_change_it() -> None:
    """What a payload or a neighbour says later does not take its place."""
    feed = Feed(rules=[Rule((HEAT,), SAID)]).take({HEAT: {"value": 1, "unit": "°C", "quality": "Good"}})
    feed.take({f"{HEAT}/$unit": "°F", f"{HEAT}/$name": "T1"}).settle()
    assert feed.object(HEAT)["displayName"] == "Wall temperature"
    assert feed.object(HEAT)["metadata"]["system"]["unit"] == "K"
    assert feed.type(HEAT)["schema"]["unit"] == "K"


def test_others_are_left_alone() -> None:
    """Without a rule the level's name and the payload's unit count."""
    feed = Feed(rules=[Rule(("acme/other",), SAID)]).take({HEAT: {"value": 1, "unit": "°C", "quality": "Good"}})
    assert (feed.object(HEAT)["displayName"], feed.object(HEAT)["metadata"]["system"]["unit"]) == ("heat", "°C")
