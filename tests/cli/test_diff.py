"""Unified diffs: what they say is what happened, however large, and they are safe to look at."""

import re
from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from orch.cli.diff import diff_of, draw_diff
from orch.cli.terminal import Terminal

lines = st.sampled_from(["a", "b", "}", "", "c", "d", "e\r", "-- x", "++ x", "@@"])
texts = st.tuples(st.lists(lines, max_size=30), st.sampled_from(["\n", ""])).map(
    lambda pair: "\n".join(pair[0]) + pair[1]
)


def applied(diff: str, before: str) -> str:
    """What the diff makes of a text, by the book: every line of it is checked."""
    old = re.findall(r"[^\n]*\n|[^\n]+$", before)
    body = diff.split("\n")[2:-1]
    new: list[str] = []
    at = 0
    for line, following in zip(body, [*body[1:], ""], strict=True):
        if hunk := re.fullmatch(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@", line):
            start = int(hunk[1]) - (hunk[2] != "0")
            new += old[at:start]
            at = start
            assert len(new) == int(hunk[3]) - (hunk[4] != "0")
        elif not line.startswith("\\"):
            text = line[1:] + ("" if following.startswith("\\") else "\n")
            if line[0] in " -":
                assert old[at] == text
                at += 1
            if line[0] in " +":
                new.append(text)
    return "".join(new + old[at:])


@given(texts, texts)
def test_a_diff_makes_one_text_of_the_other(before: str, after: str) -> None:
    """And says nothing where nothing changed."""
    diff = diff_of("x", before, after)
    assert bool(diff) == (before != after)
    if diff:
        assert diff.startswith("--- x\n+++ x\n@@ -")
        assert applied(diff, before) == after


def test_a_small_change_is_told_with_three_lines_around_it() -> None:
    before = "".join(f"{n}\n" for n in range(100))
    diff = diff_of("x", before, before.replace("50\n", "fifty\n"))
    assert diff == ("--- x\n+++ x\n@@ -48,7 +48,7 @@\n 47\n 48\n 49\n-50\n+fifty\n 51\n 52\n 53\n")


def test_a_large_file_in_which_much_changes_is_compared_at_once() -> None:
    """60,000 lines: what lies between lines that occur once is small."""

    def numbered(extra: str) -> Iterator[str]:
        for number in range(15_000):
            yield f"stage s{number} {{\n  run{extra}= 'x'\n  env{extra}= 'y'\n}}\n"

    before, after = "".join(numbered(" ")), "".join(numbered("  "))
    assert applied(diff_of("x", before, after), before) == after


def test_a_terminal_is_shown_no_control_characters() -> None:
    """A program gets every byte, a terminal only what moves nothing."""
    diff = diff_of("x", "a\x1b[2J\n", "b\r\n")
    assert draw_diff(diff, Terminal(1)) == diff.encode()
    drawn = draw_diff(diff, Terminal(1, is_terminal=True)).decode()
    assert "\x1b" not in drawn
    assert "\r" not in drawn
    assert "\x1b[31m-a" in draw_diff(diff, Terminal(1, is_terminal=True, has_color=True)).decode()
