"""Regular expressions: whole strings, in linear time, and refused in words of ours."""

import pytest

from orch.compiler.patterns import PatternError, compile_pattern


@pytest.mark.parametrize(
    ("text", "value", "matches"),
    [
        ("a|ab", "ab", True),
        ("v[0-9]+", "v12", True),
        ("v[0-9]+", "v12\n", False),
        ("v[0-9]+", "xv12", False),
        ("", "", True),
        (".*", "a\nb", False),
        ("(?s).*", "a\nb", True),
        ("(?i)abc", "ABC", True),
        ("caf\u00e9\\w*", "caf\u00e9x", True),
        ("\\d", "\u0663", False),
        (".", "\udc80", False),
    ],
)
def test_the_whole_string_is_matched(text: str, value: str, *, matches: bool) -> None:
    assert compile_pattern(text).matches(value) is matches


@pytest.mark.parametrize("text", ["(a+)+b", "(a|a)*b", "(a*)*b", "([a-z]+.?)+0", "a*a*a*a*a*a*b"])
def test_no_expression_backtracks(text: str) -> None:
    """With Python's own engine each of these would outlive us all."""
    assert not compile_pattern(text).matches("a" * 10_000)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("v[0-9", "a `[` is never closed"),
        ("(a", "a `(` is never closed"),
        ("a)", "a `)` closes nothing"),
        ("a\\", "it ends in a backslash"),
        ("*a", "nothing that could be repeated stands before `*`"),
        ("a{2000}", "`{2000}` repeats more than 1,000 times, or in the wrong order"),
        ("a**", "`**` repeats a repetition"),
        ("(?=a)b", "`(?=` is not known: expressions look neither ahead nor back"),
        ("(a)\\1", "`\\1` is no escape sequence, nor may it refer to a group"),
        ("[z-a]", "`z-a` is no range of characters"),
        ("(?P<a", "`(?P<a` doesn't name a group"),
        ("\ud800", "it holds bytes that are no UTF-8"),
        ("x" * 1001, "it is longer than 1000 characters"),
        (
            "((((((x{9}){9}){9}){9}){9}){9}){9}",
            "`{9}` repeats more than 1,000 times, or in the wrong order",
        ),
    ],
)
def test_what_is_none_is_refused_in_our_words(text: str, reason: str) -> None:
    with pytest.raises(PatternError) as raised:
        compile_pattern(text)
    assert raised.value.reason == reason
