"""What a command wrote to `$ORCH_VALUES` as values: every type, and every way to get it wrong."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch.compiler.handed_on import HandedOnError, read_handed_on, restored
from orch.compiler.values import DurationMs, SizeBytes, text_of

_TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


@pytest.mark.parametrize(
    ("type_name", "text", "json", "value"),
    [
        ("string", " a=b ", " a=b ", " a=b "),
        ("int", "1_000", 1000, 1000),
        ("float", "0.25", 0.25, 0.25),
        ("float", "7", 7, 7.0),
        ("bool", "true", True, True),
        ("duration", "1m30s", 90_000, DurationMs(90_000)),
        ("size", "4KiB", 4096, SizeBytes(4096)),
        ("path", "a/../b", "b", "b"),
        ("list<duration>", '["1s"]', [1000], (DurationMs(1000),)),
        ("map<list<int>>", '{"k": [1]}', {"k": [1]}, {"k": (1,)}),
    ],
)
def test_a_value_is_read_as_an_argument_of_its_type_is(
    type_name: str, text: str, json: Any, value: Any
) -> None:
    """It is kept as JSON, and later stages read a value of the language again."""
    read = read_handed_on(f"x={text}\n".encode(), {"x": type_name})
    assert read == {"x": json}
    assert restored(read["x"], type_name) == value


def test_a_number_reads_as_it_was_written_where_json_can_hold_that() -> None:
    """`7` stays `7`, though a float is due."""
    assert text_of(restored(read_handed_on(b"x=7", {"x": "float"})["x"], "float")) == "7"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", r"without handing on `n` and `s`; write `n=…`"),
        (b"n=1\n", r"without handing on `s`"),
        (b"n=1\ns=a\nt=b\n", r"line 3 is for `t`, which isn't declared; it declares `n` and `s`"),
        (b"n=1\nS=a\n", r"`S`, which isn't declared; did you mean `s`\?"),
        (b"n=1\ns=a\nn=1\n", r"line 3 gives `n` a second time"),
        (b"n=1\nhello\n", r"line 2, `hello`, is no `name=value`"),
        (b" n=1\n", r"line 1, ` n=1`, is no"),
        (b"=1\n", r"line 1, `=1`, is no"),
        (b"n=1\ns<<\na\n", r"line 2 names no word that ends `s`"),
        (b"n=1\ns<<EOF\na\n", r"`s` begins in line 2, and no line `EOF` ends it"),
        (b"n=1\ns=\xff\n", r"line 2 of what it wrote is not UTF-8"),
        (b"n=1\ns=\0\n", r"line 2 of what it wrote holds a NUL"),
        (b"n=one\ns=\n", r"`n` is `one`, which is no int"),
        (b"n=9223372036854775808\ns=\n", r"is no int"),
        (b"n=" + b"9" * 60_000 + b"\ns=\n", r"is no int"),
    ],
)
def test_what_a_stage_does_not_declare_is_refused(data: bytes, message: str) -> None:
    """With the line, and a sentence that says what is wrong."""
    with pytest.raises(HandedOnError, match=message):
        read_handed_on(data, {"n": "int", "s": "string"})


@pytest.mark.parametrize("text", ["../x", "/etc/passwd", "a/../../b"])
def test_a_path_that_leaves_the_root_is_refused(text: str) -> None:
    """As everywhere in the language."""
    with pytest.raises(HandedOnError, match="leaves the project root"):
        read_handed_on(f"p={text}".encode(), {"p": "path"})


@pytest.mark.parametrize("text", ["[" * 5000, '{"a": NaN}', '"x"', "[1", '[{"a": 1}]', ""])
def test_json_that_is_not_of_the_type_is_refused(text: str) -> None:
    """However deep, and whatever Python's reader would take."""
    with pytest.raises(HandedOnError, match="which is no list<int>"):
        read_handed_on(f"x={text}".encode(), {"x": "list<int>"})


@given(_TEXTS)
def test_any_text_can_be_handed_on_between_two_words(text: str) -> None:
    """Lines, blanks and signs come back as they were."""
    data = f"x<<END of it\n{text}\nEND of it\n".encode()
    if "END of it" not in text.split("\n"):
        assert read_handed_on(data, {"x": "string"}) == {"x": text}


@given(st.binary(max_size=200))
def test_any_bytes_give_values_or_a_sentence(data: bytes) -> None:
    """Nothing else is raised."""
    with suppress(HandedOnError):
        read_handed_on(data, {"x": "string", "y": "list<int>"})
