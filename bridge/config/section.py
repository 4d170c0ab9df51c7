"""What all sections are made of: their base, the kinds of values in them, and how keys that do not fit are refused."""

from pathlib import Path
from typing import Annotated, TypeAlias

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from bridge.config import files, rules


class Allowed(str):
    """What a field may be, in words, where its type alone does not tell."""

    __slots__ = ()


Count: TypeAlias = Annotated[int, Field(ge=1)]
AtLeastZero: TypeAlias = Annotated[int, Field(ge=0)]
FileBytes: TypeAlias = Annotated[int, Allowed(rules.FILE_BYTES_RULE), AfterValidator(rules.file_bytes)]
Seconds: TypeAlias = Annotated[float, Field(ge=0)]
Filter: TypeAlias = Annotated[str, AfterValidator(rules.mqtt_filter)]
Pattern: TypeAlias = Annotated[str, AfterValidator(rules.pattern)]
Subscription: TypeAlias = Annotated[str, AfterValidator(rules.subscription)]
Origin: TypeAlias = Annotated[str, AfterValidator(rules.origin)]
Name: TypeAlias = Annotated[str, AfterValidator(rules.name)]
FoldedName: TypeAlias = Annotated[str, AfterValidator(rules.folded)]
Levels: TypeAlias = Annotated[tuple[Name, ...], Field(strict=False), AfterValidator(rules.distinct)]
Zone: TypeAlias = Annotated[str, AfterValidator(rules.zone)]
MqttText: TypeAlias = Annotated[str, AfterValidator(rules.mqtt_text)]
File: TypeAlias = Annotated[Path | None, BeforeValidator(files.readable)]
OptionalFile: TypeAlias = Annotated[Path | None, BeforeValidator(files.optional)]
PrivateFile: TypeAlias = Annotated[Path | None, BeforeValidator(files.private)]
Place: TypeAlias = Annotated[Path | None, BeforeValidator(files.place)]
SecretFile: TypeAlias = Annotated[Path | None, BeforeValidator(files.holds_secret)]
Directory: TypeAlias = Annotated[Path | None, BeforeValidator(files.directory)]


def conflicts(found: dict[str, str]) -> None:
    """Refuse keys that do not fit each other: key → what is allowed; between sections, `section.key`."""
    if found:
        raise PydanticCustomError("conflicts", "settings do not fit each other", {"found": found})


class Section(BaseModel):
    """Frozen, strict (neither "1" nor true is 1), closed to unknown keys, silent about values in errors."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False, hide_input_in_errors=True)
