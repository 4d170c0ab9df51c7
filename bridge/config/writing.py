"""[writes]: which elements clients may write, and how that is published."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from bridge.config import rules
from bridge.config.section import Filter, Place, Section, conflicts


class WriteSettings(Section):
    """[writes]: off unless said. `audit_file` None: audit.jsonl in the state directory."""

    enabled: bool = False
    allow: Annotated[tuple[Filter, ...], Field(strict=False)] = ()
    deny: Annotated[tuple[Filter, ...], Field(strict=False)] = ()
    topic: Annotated[str, AfterValidator(rules.topic_template)] = "{topic}"
    retain: Literal["as-published", "always", "never"] = "as-published"
    qos: Annotated[int, Field(ge=0, le=2)] = 1
    echo_timeout: Annotated[float, Field(ge=0.1, le=60)] = 5.0
    audit_file: Place = None
    audit_bytes: Annotated[int, Field(ge=65_536)] = 10 * 1024 * 1024  # of one file, before a new one begins
    audit_files: Annotated[int, Field(ge=2)] = 10  # a new one needs an old one beside it, or lines would be lost

    @model_validator(mode="after")
    def _fits(self) -> Self:
        told = 'must name what may be written, such as ["acme/+/setpoints/#"]; ["#"] is everything'
        conflicts({"allow": told} if self.enabled and not self.allow else {})
        return self
