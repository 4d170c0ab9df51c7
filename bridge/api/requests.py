"""Request bodies of the standard, as pydantic models, and the reading of them within limits.

Models are strict: `"1"` is no integer and `true` is no depth. Fields that the standard does not know are ignored.
"""

from typing import Annotated, Any, Literal, TypeVar

import msgspec
from pydantic import (
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError
from starlette.types import Receive, Scope

from bridge.errors import BadRequest, TooLarge
from bridge.history.aggregates import AggregateName
from bridge.history.intervals import DOCUMENTED, LONGEST, REMEDY, SHORTEST, parse_interval
from bridge.history.thinning import FEWEST
from bridge.uns.moments import SECOND, parse_request

_MISTAKES_SHOWN = 5  # of one body; more would only repeat themselves
_SHOWN_LENGTH = 300  # characters of a detail that quotes what a client sent
_QUOTED_LENGTH = 40  # characters of a value that is not what it should be
_NAME_LENGTH = 1_024  # characters of what a client names and we keep: its own id, a subscription's display name
_LONGEST_LENGTH = 18  # digits of a Content-Length; a longer one is too large whatever it says
_TEXTS = {  # pydantic's words for its own things, in those of a reader who does not know it
    "missing": "is required",
    "model_type": "must be a JSON object",
    "list_type": "must be a list of strings",  # the only other list is `updates`
    "string_type": "must be a string",
    "string_too_short": "must not be empty",
    "string_too_long": f"must have at most {_NAME_LENGTH} characters",
    "bool_type": "must be true or false",
    "int_type": "must be an integer",
}
_AT_LEAST = "Input should be greater than or equal to "
_OBJECTS = {"list_type": "must be a list of objects"}

_encode_json = msgspec.json.Encoder().encode
_decode_json = msgspec.json.Decoder().decode


def _interval_ns(value: Any) -> int | None:  # noqa: ANN401 - it is what is checked
    """Nanoseconds."""
    found = None if value is None else parse_interval(value)
    if value is not None and found is None:
        raise PydanticCustomError("interval", f"{_quoted(value)} is no length of time; {REMEDY}")
    return found


def _quoted(value: object) -> str:
    """What a client sent, shortly and in JSON's words."""
    match value:
        case dict():
            return "an object"
        case list():
            return "an array"
        case _:
            text = _encode_json(value).decode()
            return text if len(text) <= _QUOTED_LENGTH else f"{text[:_QUOTED_LENGTH]}…"


def _integral(value: Any) -> Any:  # noqa: ANN401 - pydantic checks it next
    """JSON knows one kind of number: 2.0 is an integer."""
    return int(value) if type(value) is float and value.is_integer() else value


def _depth(value: Any) -> Any:  # noqa: ANN401 - pydantic checks it next
    return 1 if value is None else _integral(value)


Depth = Annotated[
    int,
    Field(ge=0, description="Levels of components, this element's own counted; 0: all of them."),
    BeforeValidator(_depth, json_schema_input_type=Annotated[int, Field(ge=0)] | None),
]
Integer = Annotated[int, BeforeValidator(_integral, json_schema_input_type=int)]
Points = Annotated[
    int, Field(ge=FEWEST), BeforeValidator(_integral, json_schema_input_type=Annotated[int, Field(ge=FEWEST)])
]
Flag = Annotated[
    bool,
    BeforeValidator(lambda value: False if value is None else value, json_schema_input_type=bool | None),
]
Ident = Annotated[str, Field(description="An element id.")]
Name = Annotated[str, StringConstraints(max_length=_NAME_LENGTH)]
ClientId = Annotated[str, StringConstraints(min_length=1, max_length=_NAME_LENGTH)]
Time = Annotated[
    str,
    Field(description="RFC 3339, with Z or an offset.", examples=["2026-01-15T12:00:00Z"]),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
_Seconds = Annotated[float, Field(ge=SHORTEST / SECOND, le=LONGEST / SECOND)]
_Length = Annotated[str, StringConstraints(pattern=DOCUMENTED)]
Interval = Annotated[int | None, BeforeValidator(_interval_ns, json_schema_input_type=_Seconds | _Length | None)]
QualityName = Literal["Good", "Uncertain", "Bad", "GoodNoData"]
AnyJson = Annotated[Any, Field(description="Any JSON value.")]


class Body(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="ignore")


class TypesQuery(Body):
    elementIds: list[Ident]


class RelationshipTypesQuery(Body):
    elementIds: list[Ident]


class ObjectsQuery(Body):
    elementIds: list[Ident]
    includeMetadata: Flag = False


class RelatedQuery(Body):
    elementIds: list[Ident]
    relationshipType: str | None = Field(
        default=None, validation_alias=AliasChoices("relationshipType", "relationshiptype")
    )
    includeMetadata: Flag = False


class ValueQuery(Body):
    elementIds: list[Ident]
    maxDepth: Depth = 1


_NO_AGGREGATE = {"aggregate": {"type": "null"}, "interval": {"type": "null"}}
_ALL_ROWS = {"onlyChanges": {"enum": [False, None]}}
# What the fields of a history query say about each other, for the document; `values` checks it.
_REDUCTIONS = {
    "anyOf": [
        {"properties": {**_NO_AGGREGATE, **_ALL_ROWS}},
        {"properties": {**_NO_AGGREGATE, "maxPoints": {"type": "null"}}},
        {
            "properties": {
                "aggregate": {"type": "string"},
                "interval": {"type": ["number", "string"]},
                "maxPoints": {"type": "null"},
                **_ALL_ROWS,
            },
            "required": ["aggregate", "interval"],
        },
    ]
}


class HistoryQuery(Body):
    model_config = ConfigDict(json_schema_extra=_REDUCTIONS)  # type: ignore[typeddict-item]  # a JSON Schema

    elementIds: list[Ident]
    startTime: Time
    endTime: Time
    maxDepth: Depth = 1
    aggregate: AggregateName | None = Field(
        default=None,
        description="Instead of the rows: one value for each interval, at its start. Beyond the standard.",
    )
    interval: Interval = Field(
        default=None,
        description='Of an aggregate, required with it: seconds, or a text such as "30s", "5m", "1h", "1d", "PT5M".',
        examples=["5m"],
    )
    maxPoints: Points | None = Field(
        default=None,
        description="At most so many rows, least and greatest values kept: for charts; not with aggregate. "
        "Beyond the standard.",
    )
    onlyChanges: Flag = Field(
        default=False,
        description="Only rows that say something else than the row before; not with aggregate or maxPoints. "
        "Beyond the standard.",
    )


class CreateSubscription(Body):
    clientId: ClientId
    displayName: Name | None = None


class SubscriptionIds(Body):
    clientId: ClientId
    subscriptionIds: list[str]


class Register(Body):
    clientId: ClientId
    subscriptionId: str
    elementIds: list[Ident]
    maxDepth: Depth = 1


class Unregister(Body):
    clientId: ClientId
    subscriptionId: str
    elementIds: list[Ident]


class Sync(Body):
    clientId: ClientId
    subscriptionId: str
    lastSequenceNumber: Integer | None = Field(
        default=None,
        validation_alias=AliasChoices("lastSequenceNumber", "acknowledgeSequence"),
        description="Acknowledges batches up to this number; -1 drops everything pending.",
    )


class OpenStream(Body):
    clientId: ClientId
    subscriptionId: str


class ValueRecord(Body):
    value: AnyJson
    quality: QualityName | None = Field(default=None, description="Left out: Good; of a null GoodNoData.")
    timestamp: Time | None = Field(default=None, description="Left out: now.")


class ValueUpdate(Body):
    elementId: Ident
    value: ValueRecord


class ValueUpdates(Body):
    updates: list[ValueUpdate]


class HistoryRecord(Body):
    value: AnyJson = Field(description="Null exactly when the quality is Bad or GoodNoData.")
    quality: QualityName | None = Field(default=None, description="Left out: Good; of a null GoodNoData.")
    timestamp: Time


class HistoryUpdate(Body):
    elementId: Ident
    value: HistoryRecord


class HistoryUpdates(Body):
    updates: list[HistoryUpdate]


Model = TypeVar("Model", bound=Body)


async def read(scope: Scope, receive: Receive, model: type[Model], max_bytes: int) -> Model:
    """The body as a model. Raises `TooLarge`, or `BadRequest` naming each field that is wrong."""
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit() and (len(value) > _LONGEST_LENGTH or int(value) > max_bytes):
            raise _too_large(max_bytes)
    try:
        return model.model_validate(_decode(await _body(receive, max_bytes)))
    except ValidationError as error:
        raise BadRequest(explain(error)) from None


async def _body(receive: Receive, max_bytes: int) -> bytes:
    body, more = b"", True
    chunks: list[bytes] = []
    size = 0
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise BadRequest("body: the connection was closed before it was complete")
        body, more = message.get("body", b""), message.get("more_body", False)
        size += len(body)
        if size > max_bytes:
            raise _too_large(max_bytes)
        chunks.append(body)
    return body if len(chunks) == 1 else b"".join(chunks)


def _too_large(max_bytes: int) -> TooLarge:
    return TooLarge(f"body: at most {max_bytes} bytes are taken; ask in several requests")


def _decode(body: bytes) -> object:
    """Strict JSON: no NaN, no half surrogate pairs, no numbers beyond a double. Of equal keys the last counts."""
    try:
        return _decode_json(body)
    except RecursionError:
        raise BadRequest("body: nested too deeply; the standard's bodies have four levels") from None
    except ValueError as error:  # msgspec's and UnicodeDecodeError
        raise BadRequest(f"body: a JSON object in UTF-8 is needed: {error}") from None


def instant(name: str, text: str) -> int:
    """A time in a request, as nanoseconds since 1970 UTC. Raises `BadRequest`."""
    ns = parse_request(text)
    if ns is None:
        raise BadRequest(f"{name}: {text[:40]!r} is no RFC 3339 time with Z or an offset, such as 2026-01-15T12:00:00Z")
    return ns


def explain(error: ValidationError) -> str:
    """One sentence for each mistake: which field, what is wrong with it."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    texts = [_mistake(one["loc"], one["type"], one["msg"]) for one in found[:_MISTAKES_SHOWN]]
    more = len(found) - len(texts)
    return "; ".join(texts)[:_SHOWN_LENGTH] + (f" (and {more} more)" if more > 0 else "")


def _mistake(location: tuple[int | str, ...], kind: str, message: str) -> str:
    where = _where(location)
    texts = _TEXTS | _OBJECTS if where == "updates" else _TEXTS
    return f"{where}: {texts.get(kind) or _rephrased(message)}"


def _rephrased(message: str) -> str:
    """The same for messages that name what is allowed."""
    if message.startswith(_AT_LEAST):
        return f"must be {message.removeprefix(_AT_LEAST)} or more"
    return message.replace("Input should be ", "must be ", 1)


def _where(location: tuple[int | str, ...]) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).lstrip(".")
    return text or "body"
