"""[[rule]]: what is said about the topics of some filters; the keys are those of `bridge.uns.policy.Policy`.

All rules that cover a topic hold, later ones over earlier ones, key by key. An absent key (None) says nothing.
"""

from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import AfterValidator, Field, model_validator

from bridge.config import rules
from bridge.config.section import Levels, Pattern, Seconds, Section, Zone, conflicts

# fmt: off
Profile: TypeAlias = Literal[
    "auto", "none", "kepware", "databus", "optix", "pubsub", "iih", "factory+", "aio", "apis", "publisher",
]
# fmt: on
OnDeath: TypeAlias = Literal["bad", "uncertain", "keep"]
Deletion: TypeAlias = Literal["keep", "remove"]
Coercion: TypeAlias = Literal["numbers", "booleans", "units"]
Key: TypeAlias = Annotated[str, AfterValidator(rules.key)]
Line: TypeAlias = Annotated[str, AfterValidator(rules.line)]
Text: TypeAlias = Annotated[str, AfterValidator(rules.words)]


class RuleSettings(Section):
    """One of them."""

    topics: Annotated[tuple[Pattern, ...], Field(strict=False), AfterValidator(rules.some)]
    # how to read
    separators: Annotated[str, AfterValidator(rules.separators)] | None = None
    strip: Annotated[str, AfterValidator(rules.topic_prefix)] | None = None
    profile: Profile | None = None
    instance: Key | None = None
    value: Key | None = None
    time: Key | None = None
    quality: Key | None = None
    unit_key: Key | None = None
    quality_profile: Literal["da", "ua", "one-is-good", "zero-is-good"] | None = None
    time_unit: Literal["s", "ms", "us", "ns"] | None = None
    zone: Zone | None = None
    coerce: Annotated[tuple[Coercion, ...], Field(strict=False), AfterValidator(rules.distinct)] | None = None
    # how to keep
    use: Literal["value", "command", "status", "metadata", "ignore"] | None = None
    future_tolerance: Seconds | None = None
    stale_after: Seconds | None = None
    on_death: OnDeath | None = None
    merge: Literal["replace", "deep"] | None = None
    deletion: Deletion | None = None
    expire_after: Seconds | None = None
    write_to: Annotated[str, AfterValidator(rules.topic_template)] | None = None
    # how to place
    part: bool | None = None
    type: Annotated[str, AfterValidator(rules.type_name)] | None = None
    namespace: Annotated[str, AfterValidator(rules.uri)] | None = None
    levels: Levels | None = None
    name: Line | None = None
    description: Text | None = None
    unit: Line | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.said():
            conflicts({"topics": "must come with something that is said about them, such as stale_after = 60"})
        return self

    def said(self) -> dict[str, Any]:
        """What is said about the topics, key by key; a time zone as itself, coercions as a set."""
        said = self.model_dump(exclude={"topics"}, exclude_none=True)
        if self.zone is not None:
            said["zone"] = rules.time_zone(self.zone)
        if self.coerce is not None:
            said["coerce"] = frozenset(self.coerce)
        return said
