"""Model files: what is allowed, and how a mistake is told."""

import re
from pathlib import Path

import pytest

from bridge.errors import ConfigError
from bridge.model import load, parse

HEAD = """\
format = 1

[namespaces]
"urn:acme" = "Acme"

[[type]]
name = "Vat"
kind = "object"

[type.fields]
level = "number"
"""
TWO_SPACES = """\
format = 1

[namespaces]
"urn:a" = "A"
"urn:b" = "B"

[[type]]
name = "Vat"
namespace = "urn:a"
kind = "number"

[[type]]
name = "Vat"
namespace = "urn:b"
kind = "number"
"""
VERSION = 'must be a version such as "1.3.0"'
NAME = 'must be a name: printable, not blank, without / # , " and backslash'
PATTERN = 'must be a topic pattern: "+" a whole level, "*" any characters in one, "#" the whole last level'
BRACES = "must hold braces only around names of letters, digits and _, such as {site}"
ELEMENT_KEYS = "match, type, namespace, part, name, description, unit, quality_profile, use, hide"
FED_BY = '[[relationship]]\nname = "FedBy"\nreverse = "Feeds"\nfrom = "a/{n}"\nto = "b/{n}"\n'

MISTAKES: dict[str, tuple[str, tuple[str, ...]]] = {
    "no format": ("", ("format: must be there: format = 1",)),
    "other format": ("format = 2", ("line 1: format = 2: must be 1, which this version reads",)),
    "format text": ('format = "1"', ('line 1: format = "1": must be 1, which this version reads',)),
    "syntax": ("format = \n", ("line 1, column 10: not TOML: Invalid value",)),
    "unknown section": (HEAD + "[[elements]]\n", ("line 12: elements: unknown key; did you mean element?",)),
    "unknown key": (
        HEAD + '[[element]]\nmatch = "a"\ntyp = "Vat"\n',
        ("line 14: [[element]] 1 typ: unknown key; did you mean type?",),
    ),
    "unlike any key": (
        HEAD + '[[element]]\nmatch = "a"\nxyz = 1\n',
        (f"line 14: [[element]] 1 xyz: unknown key; known are {ELEMENT_KEYS}",),
    ),
    "unknown key of a field": (
        HEAD + '[type.fields.heat]\nkind = "number"\nunits = "K"\n',
        ("line 14: [[type]] 1 fields.heat.units: unknown key; did you mean unit?",),
    ),
    "not a table": ("format = 1\nelement = [5]", ("line 2: [[element]] 1 = 5: must be a table",)),
    "no list": ("format = 1\nelement = 5", ("line 2: element = 5: must be a list",)),
    "nothing matched": (HEAD + "[[element]]\npart = true\n", ("line 12: [[element]] 1 match: must be there",)),
    "pattern": (
        HEAD + '[[element]]\nmatch = "a/#/b"\npart = true\n',
        (f'line 13: [[element]] 1 match = "a/#/b": {PATTERN}',),
    ),
    "nothing said": (HEAD + '[[element]]\nmatch = "a"\n', ("line 12: [[element]] 1: must say something beside match",)),
    "part": (
        HEAD + '[[element]]\nmatch = "a"\npart = "yes"\n',
        ('line 14: [[element]] 1 part = "yes": must be true or false',),
    ),
    "use": (
        HEAD + '[[element]]\nmatch = "a"\nuse = "alarm"\n',
        ('line 14: [[element]] 1 use = "alarm": must be "value", "command", "status" or "metadata"',),
    ),
    "blank": (
        HEAD + '[[element]]\nmatch = "a"\nname = " "\n',
        ('line 14: [[element]] 1 name = " ": must not be blank; leave the key out instead',),
    ),
    "hide and use": (
        HEAD + '[[element]]\nmatch = "a"\nhide = true\nuse = "value"\n',
        ('line 15: [[element]] 1 use = "value": must not stand beside hide = true',),
    ),
    "no such type": (
        HEAD + '[[element]]\nmatch = "a"\ntype = "Vatt"\n',
        ('line 14: [[element]] 1 type = "Vatt": no such type; did you mean "Vat"?',),
    ),
    "no type alike": (
        HEAD + '[[element]]\nmatch = "a"\ntype = "Pump"\n',
        ('line 14: [[element]] 1 type = "Pump": no such type; known are "Vat"',),
    ),
    "no type at all": (
        'format = 1\n[[element]]\nmatch = "a"\ntype = "Pump"\n',
        ('line 4: [[element]] 1 type = "Pump": no such type; the file has none',),
    ),
    "ambiguous type": (
        TWO_SPACES + '[[element]]\nmatch = "a"\ntype = "Vat"\n',
        ('line 18: [[element]] 1 type = "Vat": is in several namespaces: say namespace = urn:a or urn:b',),
    ),
    "no such namespace": (
        TWO_SPACES + '[[element]]\nmatch = "a"\ntype = "Vat"\nnamespace = "urn:bb"\n',
        (
            'line 18: [[element]] 1 type = "Vat": no such type in that namespace; it is in urn:a and urn:b',
            'line 19: [[element]] 1 namespace = "urn:bb": no such namespace; did you mean "urn:b"?',
        ),
    ),
    "namespace alone": (
        HEAD + '[[element]]\nmatch = "a"\nnamespace = "urn:acme"\n',
        ("line 14: [[element]] 1 namespace: must come with type",),
    ),
    "type without namespace": (
        TWO_SPACES + '[[type]]\nname = "Pump"\nkind = "number"\n',
        ("line 16: [[type]] 3 namespace: must be there, because [namespaces] has 2",),
    ),
    "our namespace": (
        'format = 1\n[namespaces]\n"urn:i3x-bridge" = "x"\n',
        ('line 3: [namespaces] "urn:i3x-bridge": is not the file\'s to name',),
    ),
    "namespace": (
        'format = 1\n[namespaces]\n"acme types" = "x"\n',
        (
            'line 3: [namespaces] "acme types" = "acme types": must be an absolute URI without "#" and ",", '
            'such as "https://example.com/plant"',
        ),
    ),
    "type twice": (
        HEAD + '[[type]]\nname = "Vat"\nkind = "number"\n',
        ('line 13: [[type]] 2 name = "Vat": is there already, as [[type]] 1',),
    ),
    "type name": (HEAD + '[[type]]\nname = "a#b"\nkind = "number"\n', (f'line 13: [[type]] 2 name = "a#b": {NAME}',)),
    "kind": (
        HEAD + '[[type]]\nname = "X"\nkind = "float"\n',
        (
            'line 14: [[type]] 2 kind = "float": must be "object", "array", "string", "number", "integer", '
            '"boolean" or "bytes"',
        ),
    ),
    "no kind": (HEAD + '[[type]]\nname = "X"\n', ("line 12: [[type]] 2 kind: must be there",)),
    "version": (
        HEAD + '[[type]]\nname = "X"\nkind = "number"\nversion = "1.0"\n',
        (f'line 15: [[type]] 2 version = "1.0": {VERSION}',),
    ),
    "bounds of a text": (
        HEAD + '[[type]]\nname = "X"\nkind = "string"\nminimum = 0\n',
        ('line 15: [[type]] 2 minimum = 0: needs kind = "number" or "integer"',),
    ),
    "bounds crossed": (
        HEAD + '[[type]]\nname = "X"\nkind = "number"\nminimum = 5\nmaximum = 4.5\n',
        ("line 15: [[type]] 2 minimum = 5: must be at most maximum",),
    ),
    "bound": (
        HEAD + '[[type]]\nname = "X"\nkind = "number"\nminimum = "0"\n',
        ('line 15: [[type]] 2 minimum = "0": must be a number',),
    ),
    "bound nan": (
        HEAD + '[[type]]\nname = "X"\nkind = "number"\nminimum = nan\n',
        ("line 15: [[type]] 2 minimum = nan: must be a number",),
    ),
    "enum": (
        HEAD + '[[type]]\nname = "X"\nkind = "string"\nenum = ["a", 5]\n',
        ("line 15: [[type]] 2 enum[1] = 5: must be of the kind string",),
    ),
    "enum empty": (
        HEAD + '[[type]]\nname = "X"\nkind = "string"\nenum = []\n',
        ("line 15: [[type]] 2 enum = []: must name at least one",),
    ),
    "fields of a number": (
        HEAD + '[[type]]\nname = "X"\nkind = "number"\n[type.fields]\na = "number"\n',
        ('line 15: [[type]] 2 fields: needs kind = "object"',),
    ),
    "parts of a number": (
        HEAD + '[[type]]\nname = "X"\nkind = "number"\nparts = true\n',
        ('line 15: [[type]] 2 parts = true: needs kind = "object"',),
    ),
    "fields and map": (
        HEAD + '[type.fields.x]\nfields = { a = "number" }\nmap = "number"\n',
        ("line 14: [[type]] 1 fields.x.map: must not stand beside fields",),
    ),
    "kind of a field": (
        HEAD + 'heat = ["number", "text"]\n',
        (
            'line 12: [[type]] 1 fields.heat[1] = "text": must be "object", "array", "string", "number", "integer", '
            '"boolean", "bytes" or "any"',
        ),
    ),
    "standard relationship": (
        HEAD + FED_BY.replace("FedBy", "HasChildren"),
        ('line 13: [[relationship]] 1 name = "HasChildren": is the name of a relationship that there is already',),
    ),
    "two reverses": (
        HEAD + FED_BY + FED_BY.replace("Feeds", "Fills"),
        ('line 18: [[relationship]] 2 name = "FedBy": has the reverse "Feeds" elsewhere; it can have only one',),
    ),
    "braces": (HEAD + FED_BY.replace("a/{n}", "a/{n"), (f'line 15: [[relationship]] 1 from = "a/{{n": {BRACES}',)),
    "no target": (
        HEAD + FED_BY.replace("to =", "too ="),
        (
            "line 12: [[relationship]] 1 to: must be there",
            "line 16: [[relationship]] 1 too: unknown key; did you mean to?",
        ),
    ),
    "unbound": (
        HEAD + '[[tree]]\npath = "Vats/{vatt}"\nelement = "a/{vat}"\n',
        ('line 13: [[tree]] 1 path = "Vats/{vatt}": {vatt} is not in element; did you mean "vat"?',),
    ),
    "path": (
        HEAD + '[[tree]]\npath = "Vats//{vat}"\nelement = "a/{vat}"\n',
        (
            'line 13: [[tree]] 1 path = "Vats//{vat}": must be levels separated by "/", none of them blank, '
            'such as "By kind/Vats/{vat}"',
        ),
    ),
    "several": (
        HEAD + '[[element]]\nmatch = ""\ntype = "Vatt"\n\n[[tree]]\npath = "x"\n',
        (
            f'line 13: [[element]] 1 match = "": {PATTERN}',
            'line 14: [[element]] 1 type = "Vatt": no such type; did you mean "Vat"?',
            "line 16: [[tree]] 1 element: must be there",
        ),
    ),
}


@pytest.mark.parametrize(("text", "expected"), MISTAKES.values(), ids=MISTAKES)
def test_mistakes(text: str, expected: tuple[str, ...]) -> None:
    """Every mistake is told, in the order of the file, with its line, what is there and what is allowed."""
    with pytest.raises(ConfigError) as caught:
        parse(text, "model.toml")
    assert caught.value.mistakes == tuple(f"model.toml: {line}" for line in expected)


def test_everything_that_can_be_said() -> None:
    """A file that uses all keys is right."""
    model = parse(
        HEAD
        + """\
heat = { kind = "number", unit = "°C", description = "At the wall", minimum = -10, maximum = 120.5 }
state = { kind = ["string", "boolean"], enum = ["on", true] }
raw = "bytes"
lots = { items = "string" }
counts = { map = "integer" }
pos = { fields = { x = "number" } }

[[type]]
name = "Level"
namespace = "urn:acme"
version = "12.3.4"
description = "How full"
source_type = "LVL"
kind = "number"
unit = "%"
minimum = 0
maximum = 100

[[element]]
match = "acme/+/vat*/level"
type = "Level"
namespace = "urn:acme"
part = true
name = "Level"
description = "How full"
unit = "%"
quality_profile = "da"
use = "value"

[[element]]
match = "acme/secret/#"
hide = true
"""
        + FED_BY
        + '[[tree]]\npath = "All/{n}"\nelement = "a/{n}"\n',
        "model.toml",
    )
    assert len(model.rules()) == 2


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(None, "cannot be read: No such file or directory", id="missing"),
        pytest.param(b"\xff", "must be UTF-8 text: byte 1 is not", id="not UTF-8"),
        pytest.param(b"\xef\xbb\xbfformat = 1", None, id="a byte order mark"),
    ],
)
def test_file(tmp_path: Path, content: bytes | None, expected: str | None) -> None:
    """What cannot be read is told like any mistake."""
    path = tmp_path / "model.toml"
    if content is not None:
        path.write_bytes(content)
    if expected is None:
        assert load(path).rules() == []
        return
    with pytest.raises(ConfigError, match=re.escape(f"{path}: {expected}")):
        load(path)
