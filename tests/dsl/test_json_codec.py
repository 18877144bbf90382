"""Without the package `json`, JSON is what that makes of it: values, texts and errors."""

import json
import math
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch.dsl.json_codec import decode_json, json_encoder

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters())
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters()), inner)
)
# Most are JSON, or nearly.
TEXTS = st.text('{}[]",:0123456789.eE+-\\/bfnrtu \t\r\n\x0b\0\ufeff\u2028é\ud800\U0001f600aNInfity')
# From the empty text on, each begins what another has as a whole.
NASTY = (
    "", " ", "\n", "{", '{"', '{"a"', '{"a":', '{"a":1', '{"a":1,', '{"a":1,}', "[", "[1", "[1,",
    "[1,]", '"', '"\\', '"\\u', '"\\u12', '"\\x"', '"\t"', '"\x7f"', "'a'", "{a:1}", '{1:"a"}',
    "tru", "true", "truex", "null null", "1 2", "1\n", " \r\n\t1 \r\n\t", "1\x0b", "\x0c1", "1\0",
    "\0", "\xa01", "1\xa0", "1\u2028", "01", "-", "-1", "-0", "+1", "1.", ".5", "1.5", "1e5", "1e",
    "1e400", "-1e400", "0x1", "1_000", "NaN", "Infinity", "-Infinity", "-NaN", "nan", "[NaN]",
    "\uff11", "1" * 4300, "1" * 4301, "-" + "1" * 5000, f"[{'1' * 5000}]", '"\\ud800"', '"\\udc00"',
    '"\\ud83d\\ude00"', '"\ud800"', "\ud800", "\ufeff1", '"\ufeff"', "1\ufeff", "//", "1//", "{}{}",
    '{"a":1,"a":2}', '{"a":1}\n{"a":2}\n', '{"a":1} x', "[" * 100_000, '{"a":' * 100_000,
    "[" * 200 + "]" * 200, '{"é":"日本"}', '{"":{}}', '{"__class__":[]}',
)  # fmt: skip
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le",
             "utf-32-be", "latin-1", "utf-7")  # fmt: skip


def outcome(read: Callable[[Any], Any], given: object) -> str:
    """What comes of it, as a text in which even a NaN and the place of an error are compared."""
    try:
        return repr(read(given))
    except RecursionError:
        return "RecursionError"
    except (ValueError, TypeError) as error:
        return f"{type(error).__name__}: {error}"


def in_bytes(text: str) -> list[bytes]:
    """A text in each encoding that can hold it; the start of a character may be missing."""
    found = []
    for encoding in ENCODINGS:
        try:
            data = text.encode(encoding, "surrogatepass")
        except UnicodeEncodeError:
            continue
        found += [data, data[1:], data[:-1]]
    return found


@pytest.mark.parametrize("text", NASTY, ids=lambda text: ascii(text[:20]))
def test_what_is_nasty_is_read_as_by_json(text: str) -> None:
    for given_text in (text, *in_bytes(text), bytearray(text.encode("utf-8", "surrogatepass"))):
        assert outcome(decode_json, given_text) == outcome(json.loads, given_text)


@given(TEXTS)
def test_a_text_is_read_as_by_json(text: str) -> None:
    for given_text in (text, *in_bytes(text)):
        assert outcome(decode_json, given_text) == outcome(json.loads, given_text)


@given(st.binary())
def test_bytes_are_read_as_by_json(data: bytes) -> None:
    assert outcome(decode_json, data) == outcome(json.loads, data)


@given(VALUES, st.sampled_from((None, 1)), st.sampled_from(("", "\n", " \r\n", "x", "\0")))
def test_what_json_writes_is_read_as_by_json(value: Any, indent: int | None, after: str) -> None:
    text = json.dumps(value, indent=indent) + after
    assert outcome(decode_json, text) == outcome(json.loads, text)
    assert outcome(decode_json, text.encode()) == outcome(json.loads, text.encode())


@given(VALUES, st.booleans(), st.booleans(), st.booleans())
def test_a_value_is_written_as_by_json(
    value: Any, is_ascii: bool, is_sorted: bool, allows_nan: bool
) -> None:
    ours = json_encoder(is_ascii=is_ascii, is_sorted=is_sorted, allows_nan=allows_nan)
    assert outcome(ours, value) == outcome(
        lambda value: json.dumps(
            value,
            separators=(",", ":"),
            ensure_ascii=is_ascii,
            sort_keys=is_sorted,
            allow_nan=allows_nan,
        ),
        value,
    )


def circle() -> list[Any]:
    made: list[Any] = []
    made.append({"within": made})
    return made


def within_itself(value: object) -> object:
    """A default that never ends."""
    return [value]


@pytest.mark.parametrize(
    "value",
    [
        object(), {0: 2, None: 3, True: 4, 1.5: 5}, {(): 1}, {"a": 1, 2: 3}, (1, (2,)), {"a": {1}},
        b"a", circle(), math.nan, [math.inf], 10**5000, "\ud800",
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
@pytest.mark.parametrize("default", [None, str, within_itself])
def test_what_is_no_json_is_refused_as_by_json(
    value: object, default: Callable[[Any], Any] | None
) -> None:
    """Also circles, also those that a default makes, and keys of other types."""
    for is_sorted in (False, True):
        ours = json_encoder(is_sorted=is_sorted, default=default)
        theirs = json.JSONEncoder(sort_keys=is_sorted, separators=(",", ":"), default=default)
        assert outcome(ours, value) == outcome(theirs.encode, value)


def test_an_encoder_is_as_new_after_a_value_that_it_refused() -> None:
    """Nothing of it is still looked upon as being within itself."""
    encode = json_encoder()
    value = {"a": [object()]}
    for _ in range(2):
        with pytest.raises(TypeError, match="Object of type object is not JSON serializable"):
            encode(value)
    value["a"].clear()
    assert encode(value) == '{"a":[]}'


PROGRAM = r"""
import sys
if "slow" in sys.argv:
    sys.modules["_json"] = None
from orch.dsl.json_codec import decode_json, json_encoder
value = {"a": [1, 2.5, "\xe9"]}
assert decode_json(b'{"a": [1, 2.5, "\\u00e9"]}\n') == value
assert json_encoder(default=str)({**value, "b": 1j}) == '{"a":[1,2.5,"\\u00e9"],"b":"1j"}'
print("json" in sys.modules)
for text in ("", "{", '"a', "1 2", b"\xff"):
    try:
        decode_json(text)
    except ValueError as error:
        print(error)
"""


@pytest.mark.parametrize(("word", "is_imported"), [("quick", "False"), ("slow", "True")])
def test_json_is_imported_for_errors_or_where_it_has_no_quick_code(
    word: str, is_imported: str
) -> None:
    """Python 3.11's scanner can't even name an error before `json` is imported."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, word], capture_output=True, encoding="utf-8", check=False
    )
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        is_imported,
        "Expecting value: line 1 column 1 (char 0)",
        "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
        "Unterminated string starting at: line 1 column 1 (char 0)",
        "Extra data: line 1 column 3 (char 2)",
        "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte",
    ]
