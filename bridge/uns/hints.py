"""What payloads call their own kind (inference.md F.1): `_model`, JSON-LD `@type`, `$namespace`, CloudEvents `type`.

Which keys of a payload can tell follows from its signature, so it is found with the plan, once for each signature; the
names are then read from each message, and equal ones share one `Hint`.

| Found | name | namespace, id at the source, version |
|---|---|---|
| `_model` | its text; `_name` labels the element | `_version` |
| `@type` with a context, a profile or a prefix | after the last `/`, `#`, `:` | its IRI or context; the profile |
| `$namespace` | its last level that is no version | the URI; the version in it |
| CloudEvents `type` | its last word that is no version | the whole type; the version |
| `type: {"name", "description"}` beside an envelope | none: it labels the element | |
"""

import re
from collections.abc import Mapping

from msgspec import Struct

from bridge.uns.message import Hint, Json, Reading

MAX_NAME = 128  # characters of a type's name; what is longer is prose
MAX_URI = 1_024  # characters
MAX_HINTS = 10_000  # remembered; a plant has some hundred types, and a name for each of its machines

_FRAMES = (
    "ua-"  # Azure IoT Operations' and OPC UA's CloudEvents types name the kind of frame: ua-keyframe, ua-deltaframe
)
_VERSION_LEVEL = re.compile(r"[vV]?(\d+(?:\.\d+)*)", re.ASCII)
_VERSION_SUFFIX = re.compile(r"(.*[a-z])(?:_v|V)(\d+(?:\.\d+)*)")
_NO_HINT = Hint()


class Keys(Struct, frozen=True):
    """The keys of a payload that may tell of its kind."""

    model: str | None = None
    type: str | None = None
    namespace: str | None = None
    event: str | None = None
    label: str | None = None


class Hints:
    """The hints of a decoder."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, ...], Hint] = {}

    def of(self, content: Mapping[str, Json], keys: Keys) -> Hint | None:
        """The hint in a payload, by the first of its keys that holds a name."""
        return (
            (keys.model and self._of_model(content, keys.model))
            or (keys.type and self._of_type(content, keys.type))
            or (keys.namespace and self._of_namespace(content, keys.namespace))
            or (keys.event and self.of_event(content[keys.event]))
            or None
        )

    def of_event(self, type_: Json) -> Hint | None:
        """The hint in a CloudEvents type: `com.acme.press.StrokeDone.v2`."""
        text = _text(type_, MAX_URI)
        if not text or text.startswith(_FRAMES):
            return None
        return self._known.get(("event", text)) or self._remember(("event", text), _named(text, ".", source_id=text))

    def label(self, reading: Reading, content: Mapping[str, Json], key: str) -> None:
        """An object that describes the measurement names the element, and describes it if nothing else does."""
        said = content[key]
        name, description = _text(said.get("name")), said.get("description")
        if name:
            asked = ("label", name)
            base = reading.hint or _NO_HINT
            if base is _NO_HINT:
                reading.hint = self._known.get(asked) or self._remember(asked, Hint(label=name))
            elif not base.label:
                reading.hint = Hint(base.name, base.namespace, base.source_id, base.version, name)
        if reading.description is None and isinstance(description, str):
            reading.description = description or None

    def _of_model(self, content: Mapping[str, Json], key: str) -> Hint | None:
        name = _text(content[key])
        if not name:
            return None
        asked = ("model", name, _text(content.get("_name")), _version(content.get("_version")))
        hint = self._known.get(asked)
        return hint or self._remember(asked, Hint(name, source_id=name, version=asked[3], label=asked[2]))

    def _of_type(self, content: Mapping[str, Json], key: str) -> Hint | None:
        types = content[key]
        text = _text(types[0] if isinstance(types, list) and types else types, MAX_URI)
        profile, context = _text(content.get("profileDefinition"), MAX_URI), _vocabulary(content.get("@context"))
        if not text or not (":" in text or "profileDefinition" in content or "@context" in content):
            return None
        asked = ("type", text, profile, context)
        known = self._known.get(asked)
        if known is not None:
            return known
        at = max(text.rfind(mark) for mark in "/#:") + 1
        namespace = text[:at].rstrip("/#") if "://" in text else context
        return self._remember(asked, Hint(text[at:] or text, namespace, source_id=profile or text))

    def _of_namespace(self, content: Mapping[str, Json], key: str) -> Hint | None:
        uri = _text(content[key], MAX_URI)
        if not uri:
            return None
        hint = self._known.get(("namespace", uri))
        return hint or self._remember(
            ("namespace", uri), _named(uri, "/" if "/" in uri else ":", namespace=uri, source_id=uri)
        )

    def _remember(self, asked: tuple[str, ...], hint: Hint) -> Hint:
        if len(self._known) >= MAX_HINTS:
            self._known.clear()
        self._known[asked] = hint
        return hint


def keys_of(content: Mapping[str, Json]) -> Keys | None:
    """The telling keys of a payload, by its signature alone; None where there are none."""
    found = Keys(
        model=_if(content, "_model", str),
        type=_if(content, "@type", str) or _if(content, "@type", list),
        namespace=_if(content, "$namespace", str),
        event=_if(content, "type", str) if "specversion" in content else None,
        label=_if(content, "type", dict),
    )
    return found if found != _NO_KEYS else None


_NO_KEYS = Keys()


def _if(content: Mapping[str, Json], key: str, kind: type) -> str | None:
    return key if type(content.get(key)) is kind else None


def _text(value: Json, longest: int = MAX_NAME) -> str:
    """A name as it stands in a payload, or "" if this is none."""
    if not isinstance(value, str) or len(value) > longest:
        return ""
    text = value.strip()
    return text if text.isprintable() else ""


def _version(value: Json) -> str:
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else _text(value)


def _vocabulary(context: Json) -> str:
    """The namespace that a JSON-LD context gives to names without a prefix."""
    match context:
        case str():
            return _text(context, MAX_URI)
        case {"@vocab": str(vocabulary)}:
            return _text(vocabulary, MAX_URI)
        case [first, *_]:
            return _vocabulary(first) if not isinstance(first, list) else ""
        case _:
            return ""


def _named(text: str, separator: str, *, namespace: str = "", source_id: str = "") -> Hint:
    """The last level that is no version names the type: `…/MachineId/v1.0`, `…/WorkOrderV1`, `com.acme.done.v2`."""
    levels = [level for level in text.replace("#", separator).split(separator) if level]
    version = ""
    while len(levels) > 1 and (found := _VERSION_LEVEL.fullmatch(levels[-1])):
        version = f"{found[1]}.{version}" if version else found[1]
        levels.pop()
    name = levels[-1] if levels else text
    suffixed = _VERSION_SUFFIX.fullmatch(name) if not version else None
    if suffixed:
        name, version = suffixed[1], suffixed[2]
    return Hint(name, namespace, source_id, version)
