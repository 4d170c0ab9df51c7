"""Bytes → JSON values: one documented outcome for each kind of payload (reliability.md S1, S2)."""

import math

import pytest

from bridge.uns.payload import (
    MAX_DIGITS,
    MAX_NESTING,
    Binary,
    Loose,
    Malformed,
    Text,
    TooDeep,
    decode,
    encodable,
    is_number_lost,
    scrub,
    structure,
)


def nested(levels: int, opened: str = "[", closed: str = "]") -> bytes:
    return (opened * levels + closed * levels).encode()


@pytest.mark.parametrize(
    ("payload", "value"),
    [
        *((b"0", 0), (b"-0", 0), (b"42", 42), (b"23.5", 23.5), (b"1e5", 100_000.0), (b"2E-3", 0.002), (b"-0.0", -0.0)),
        pytest.param(b" 23.5 ", 23.5, id="blanks"),
        pytest.param(b"23.5\r\n", 23.5, id="line-end"),
        pytest.param(b"\xef\xbb\xbf23.5", 23.5, id="bom-number"),
        pytest.param(b'\xef\xbb\xbf"x"', "x", id="bom-text"),
        pytest.param(b"\xef\xbb\xbftrue", True, id="bom-boolean"),
        pytest.param("\u00a0null".encode(), None, id="no-break-space"),
        *(
            (b"true", True),
            (b"false", False),
            (b"null", None),
            (b'""', ""),
            (b'"23.5"', "23.5"),
            (b"{}", {}),
            (b"[]", []),
        ),
        pytest.param(b"9007199254740993", 9_007_199_254_740_993, id="beyond-a-double's-53-bits"),
        pytest.param(b"18446744073709551617", 2**64 + 1, id="beyond-64-bits"),
        pytest.param(b"9" * MAX_DIGITS, 10**MAX_DIGITS - 1, id="longest-integer"),
        pytest.param(b'{"a":1,"a":2}', {"a": 2}, id="duplicate-keys"),
        pytest.param(b'"\\u0000"', "\0", id="escaped-nul"),
        pytest.param(b'"\\ud83d\\ude00"', "\U0001f600", id="escaped-surrogate-pair"),
        pytest.param(b'"a\x7fb"', "a\x7fb", id="delete"),
        pytest.param(b'"{\\"value\\": 5}"', '{"value": 5}', id="double-encoded"),
        pytest.param(b'{"a":"' + b"7" * 400 + b'"}', {"a": "7" * 400}, id="digits-in-a-text"),
        pytest.param(b'{"a":[' + b"1," * 400 + b"1]}", {"a": [1] * 401}, id="many-digits"),
        pytest.param(b'{"' + b"[" * 300 + b'":1}', {"[" * 300: 1}, id="brackets-in-a-key"),
    ],
)
def test_json(payload: bytes, value: object) -> None:
    """JSON is taken as it is, exactly, blanks and a byte order mark around it taken off."""
    decoded = decode(payload)
    decoded = decoded.value if isinstance(decoded, Loose) else decoded
    assert decoded == value
    assert type(decoded) is type(value)


def test_negative_zero_keeps_its_sign() -> None:
    """-0.0 is a float of its own."""
    assert math.copysign(1, decode(b"-0.0")) == -1


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        *((b"ON", "ON"), (b"True", "True"), (b"FALSE", "FALSE"), (b"nul", "nul"), (b"trueish", "trueish"), (b"-", "-")),
        *((b"007", "007"), (b"012", "012"), (b"23,5", "23,5"), (b"1_000", "1_000"), (b"0x1F", "0x1F"), (b"+5", "+5")),
        *((b"1.", "1."), (b".5", ".5"), (b"1 2", "1 2"), (b"1e", "1e"), (b"INF", "INF"), (b"NaNo", "NaNo")),
        pytest.param("23.5 °C".encode(), "23.5 °C", id="number-and-unit"),
        pytest.param("١٢".encode(), "١٢", id="arabic-digits"),
        pytest.param(b"1.5,2.5,3.5", "1.5,2.5,3.5", id="csv"),
        pytest.param(b"temp=21;hum=40", "temp=21;hum=40", id="key-value"),
        pytest.param(b"<?xml version='1.0'?><m/>", "<?xml version='1.0'?><m/>", id="xml"),
        pytest.param(b"2026-01-15T12:00:00Z", "2026-01-15T12:00:00Z", id="time"),
        pytest.param(b"AAC8QQ==", "AAC8QQ==", id="base64"),
        pytest.param(b"   ", "", id="blank"),
        pytest.param(b"\xef\xbb\xbf", "", id="bom-alone"),
        pytest.param(b" RUNNING\r\n", "RUNNING", id="trimmed"),
        pytest.param(b'"abc', '"abc', id="quote-never-closed"),
        pytest.param(b'"\\ud800"', '"\\ud800"', id="half-a-surrogate-pair"),
        pytest.param(b'"a\tb"', '"a\tb"', id="control-character-in-quotes"),
    ],
)
def test_text(payload: bytes, text: str) -> None:
    """UTF-8 that is no JSON is text, as it stands, trimmed; no coercion."""
    decoded = decode(payload)
    assert type(decoded) is Text
    assert decoded == text


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(b'{"value": 1, "ti', id="truncated"),
        pytest.param(b"[1, 2", id="truncated-array"),
        pytest.param(b'{"value":1,}', id="trailing-comma"),
        pytest.param(b"[1,]", id="trailing-comma-array"),
        pytest.param(b"{'value': 1}", id="single-quotes"),
        pytest.param(b'{"value":1}{"value":2}', id="two-documents"),
        pytest.param(b'{"value":1}\n{"value":2}\n', id="lines"),
        pytest.param(b'{"value":1} x', id="trailing-data"),
        pytest.param(b'{"a":"b\x01c"}', id="control-character"),
        pytest.param(b'{"a":"b\nc"}', id="line-end-in-a-text"),
        pytest.param(b'{"a":"\\ud800"}', id="half-a-surrogate-pair"),
        pytest.param(b'{"\\udc00":1}', id="half-a-surrogate-pair-in-a-key"),
        pytest.param(b'{"a":007}', id="leading-zero"),
        pytest.param(b"{value: 1}", id="unquoted-key"),
        pytest.param(b"[INFO] started", id="log-line"),
        pytest.param(b"{", id="brace"),
    ],
)
def test_malformed(payload: bytes) -> None:
    """What begins like a document and is none is kept as text and marked, so that it spoils no schema."""
    decoded = decode(payload)
    assert type(decoded) is Malformed
    assert decoded == payload.decode().strip()


@pytest.mark.parametrize(
    ("payload", "base64"),
    [
        pytest.param(b"23.5\0", "MjMuNQA=", id="nul"),
        pytest.param(b"\0", "AA==", id="nul-alone"),
        pytest.param(b"\xd6fen: 5\xb0C", "1mZlbjogNbBD", id="latin-1"),
        pytest.param(b"\xff\xfe2\x003\x00", "//4yADMA", id="utf-16"),
        pytest.param(b'{"v":"\xed\xa0\x80"}', "eyJ2Ijoi7aCAIn0=", id="encoded-surrogate"),
        pytest.param(b'{"v":"\xff"}', "eyJ2Ijoi/yJ9", id="bad-utf-8-in-json"),
        pytest.param(b'{"v":"\0"}', "eyJ2IjoiACJ9", id="nul-in-json"),
        pytest.param(b"\x89PNG\r\n", "iVBORw0K", id="image"),
    ],
)
def test_binary(payload: bytes, base64: str) -> None:
    """What is no text is base64, never a guessed encoding."""
    decoded = decode(payload)
    assert type(decoded) is Binary
    assert decoded == base64


@pytest.mark.parametrize(
    "payload",
    [
        *(
            b"NaN",
            b"nan",
            b"-nan",
            b"Infinity",
            b"-Infinity",
            b"+Infinity",
            b"inf",
            b"-inf",
            b"+Inf",
            b"-INF",
            b" NaN\n",
        ),
        *(
            b"1e999",
            b"-1e999",
            pytest.param(b"1" * (MAX_DIGITS + 1), id="301-digits"),
            pytest.param(b"-" + b"1" * (MAX_DIGITS + 1), id="negative-301-digits"),
            pytest.param(b"1" * 5_000, id="5000-digits"),
            pytest.param(b"9" * 200_000, id="200000-digits"),
        ),
    ],
)
def test_lost_number(payload: bytes) -> None:
    """A number that JSON or a double cannot hold is a non-finite float; callers make it null."""
    decoded = decode(payload)
    assert type(decoded) is float
    assert is_number_lost(decoded)


@pytest.mark.parametrize(
    ("payload", "value"),
    [
        pytest.param(b'{"a":NaN,"b":1}', {"a": None, "b": 1}, id="nan"),
        pytest.param(b'{"a":[1,-Infinity]}', {"a": [1, None]}, id="infinity"),
        pytest.param(b'{"a":{"b":1e999}}', {"a": {"b": None}}, id="exponent"),
        pytest.param(b'{"a":' + b"1" * 301 + b"}", {"a": None}, id="301-digits"),
        pytest.param(b'{"a":-' + b"1" * 5_000 + b',"b":2}', {"a": None, "b": 2}, id="5000-digits"),
        pytest.param(b"[" + b"1" * 400 + b",true]", [None, True], id="array"),
        pytest.param(b"[" + b"1" * 310 + b".5]", [None], id="long-decimal"),
    ],
)
def test_lost_numbers_in_a_document(payload: bytes, value: object) -> None:
    """Only the lost numbers of a document are lost."""
    decoded = decode(payload)
    assert type(decoded) is Loose
    assert scrub(decoded.value) == value


@pytest.mark.parametrize("size", range(MAX_DIGITS - 3, MAX_DIGITS + 4))
@pytest.mark.parametrize("offset", range(0, 120, 17))
def test_longest_integer(size: int, offset: int) -> None:
    """The bound on digits holds wherever the integer stands in a document."""
    decoded = decode(b'{"%s":%s}' % (b"k" * offset, b"7" * size))
    if size > MAX_DIGITS:
        assert type(decoded) is Loose
    else:
        assert decoded == {"k" * offset: int("7" * size)}


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(nested(MAX_NESTING + 1), id="arrays"),
        pytest.param(nested(MAX_NESTING + 1, '{"a":', "}").replace(b":}", b":1}"), id="objects"),
        pytest.param(nested(100_000), id="100000"),
        pytest.param(nested(900), id="900"),
        pytest.param(b"[" * 100_000, id="never-closed"),
        pytest.param(b'{"a":' * 50_000, id="objects-never-closed"),
        pytest.param(b'{"a":NaN,"b":' + nested(MAX_NESTING) + b"}", id="loose"),
        pytest.param(b'{"a":NaN,"b":' + nested(100_000) + b"}", id="loose-100000"),
        pytest.param(b'{"value":1,"metadata":' + nested(MAX_NESTING) + b"}", id="beside-the-value"),
    ],
)
def test_too_deep(payload: bytes) -> None:
    """Nesting beyond the limit is refused, at any depth, without a stack overflow."""
    with pytest.raises(TooDeep):
        decode(payload)


def test_deepest() -> None:
    """The limit itself is allowed, and answers that wrap the value can still be encoded."""
    value = decode(nested(MAX_NESTING))
    assert encodable({"success": True, "result": [{"value": value}]})


@pytest.mark.parametrize(
    "alike",
    [
        pytest.param(([1, 2], [3]), id="lengths"),
        pytest.param(({"a": 1}, {"a": 2}), id="values"),
        pytest.param(([{"a": 1}, {"b": 2}], [{"b": 1}, {"a": 2}]), id="order-in-an-array"),
        pytest.param(([1, 2.5], [2.5, 1, 1]), id="kinds-in-an-array"),
    ],
)
def test_same_structure(alike: tuple[object, object]) -> None:
    """Values of the same names and kinds have equal structures."""
    assert structure(alike[0]) == structure(alike[1])
    assert hash(structure(alike[0])) == hash(structure(alike[1]))


def test_different_structures() -> None:
    """Names, kinds, nesting and emptiness tell structures apart."""
    values = [
        *(
            None,
            True,
            1,
            1.5,
            "",
            [],
            {},
            [1],
            [True],
            ["a"],
            [1, "a"],
            [[]],
            [[1]],
            [{}],
            {"a": 1},
            {"a": 1.5},
            {"b": 1},
        ),
        *({"a": True}, {"a": None}, {"a": {}}, {"a": []}, {"a": [1]}, {"a": {"a": 1}}, {"a": 1, "b": 1}, [{"a": 1}]),
    ]
    assert len({structure(value) for value in values}) == len(values)
