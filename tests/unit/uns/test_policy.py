"""Policies: what rules add up to for a topic."""

import pytest

from bridge.uns import policy
from bridge.uns.policy import PLAIN, Policies, Rule

RULES = [
    Rule(("acme/#", "other/+"), {"use": "value", "unit": "K"}),
    Rule(("acme/+/vat*",), {"unit": "°C", "part": True}),
]


@pytest.mark.parametrize(
    ("topic", "said"),
    [
        pytest.param("acme/x", ("value", "K", None), id="one rule"),
        pytest.param("other/x", ("value", "K", None), id="another filter of it"),
        pytest.param("acme/x/vat1", ("value", "°C", True), id="later rules win, key by key"),
        pytest.param("acme/x/tank1", ("value", "K", None), id="a star covers its own names only"),
        pytest.param("foreign", ("", "", None), id="none"),
    ],
)
def test_rules_add_up(topic: str, said: tuple[str, str, bool | None]) -> None:
    """All rules whose filters cover a topic apply, in their order."""
    found = Policies(RULES).of(topic)
    assert (found.use, found.unit, found.part) == said


def test_policies_are_shared() -> None:
    """Topics to which the same rules apply have the very same policy; those without a rule the plain one."""
    policies = Policies(RULES)
    assert policies.of("acme/a/vat1") is policies.of("acme/b/vat2")
    assert policies.of("foreign") is Policies().of("acme") is PLAIN


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Topics without end do not fill the memory; what is asked again is the same."""
    monkeypatch.setattr(policy, "MAX_REMEMBERED", 2)
    policies = Policies(RULES)
    found = [policies.of(f"acme/x/vat{number}") for number in range(10)]
    assert len({id(one) for one in found}) == 1
    assert policies.of("acme/x/vat0") is found[0]
