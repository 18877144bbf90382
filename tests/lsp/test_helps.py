"""Every help that the compiler can give is one of a case of tests/ui, where its edits are held.

So `test_mending.py`, which wants an edit for each help of the cases, speaks of all helps.
"""

import re
from pathlib import Path

import pytest

from tests.lsp.helps import UnknownWayError, helps_in
from tests.lsp.test_mending import checked
from tests.ui.test_ui import cases

ROOT = Path(__file__).parents[2]

ARGUMENT = "it is of an argument, which is given when a run is started"
OUTSIDE = "it is of orch.toml or of the command line, which are no files of the language"
BYTES = "what is to be done is done to the file as a whole, not to its text"
DIVIDED = "how to divide something only its author knows"
WITHOUT_EDIT = {
    "the file declares no parameters": ARGUMENT,
    "its parameters are …": ARGUMENT,
    "a date or time without quotes is no text in TOML: quote it": ARGUMENT,
    "a duration is a number with its unit, as in `5m`": OUTSIDE,
    "a size is a number with its unit, as in `64KiB`": OUTSIDE,
    "write `[policy.…]`": OUTSIDE,
    "write `[…]`": OUTSIDE,
    "it takes one table, `[policy]`": OUTSIDE,
    "save it as UTF-8": BYTES,
    "save the file as UTF-8": BYTES,
    "divide it: `use` brings one pipeline file into another": DIVIDED,
    "divide it: a part can be a value of its own, `let NAME = {{ … }}`": DIVIDED,
    "put it into a file, or into `stdin`": DIVIDED,
    "put a stage between two large matrices that all of the second need": DIVIDED,
    "add `pipeline NAME { }`": "it is said where a file is to be run, and never in an editor",
    "say what to take instead: `| default(…)`": "it is said while running, of what never came",
}
"""Helps for which no edit can be, each with its reason; `…` is any text."""


def said_in_cases() -> set[str]:
    return {d.help for main in cases() for d in checked(main, {}).diagnostics if d.help}


def test_every_help_is_said_by_a_case() -> None:
    """A help that somebody adds wants a case in tests/ui, or a reason here why it has no edit."""
    said = said_in_cases()
    for each in helps_in(ROOT / "dsl", ROOT / "compiler"):
        assert any(re.fullmatch(each.pattern, text) for text in (*said, *WITHOUT_EDIT)), each


def test_what_is_excused_is_still_said_nowhere_else() -> None:
    """An excuse goes when its help does, or gets a case."""
    said = said_in_cases()
    patterns = [each.pattern for each in helps_in(ROOT / "dsl", ROOT / "compiler")]
    for text in WITHOUT_EDIT:
        assert any(re.fullmatch(pattern, text) for pattern in patterns), text
        assert text not in said, text


def test_the_sources_are_read_in_full() -> None:
    """Each help of the cases is found in them, so no way that helps come by is overlooked."""
    patterns = [each.pattern for each in helps_in(ROOT / "dsl", ROOT / "compiler")]
    for help_ in said_in_cases():
        is_near_miss = re.fullmatch(r"did you mean `.*`\?", help_) is not None
        assert is_near_miss or any(re.fullmatch(each, help_) for each in patterns), help_


PLANTED = """
class Diagnostic:
    code: str
    help: str | None = None

def report(code, hint=None):
    return Diagnostic(code, hint)

TABLE = {"a": ("one", "write `a`"), "b": ("two", None)}

def check(kind, name):
    message, hint = TABLE[kind]
    report("E0001", hint or f"write `{name}`, or delete it")
"""


def test_a_new_help_is_seen(tmp_path: Path) -> None:
    """Through a table, a variable, a parameter and a function; by an unknown way it is refused."""
    (tmp_path / "planted.py").write_text(PLANTED)
    found = {each.pattern for each in helps_in(tmp_path)}
    assert found == {re.escape("write `a`"), "write\\ `.*`,\\ or\\ delete\\ it"}
    (tmp_path / "planted.py").write_text(PLANTED + "\ndef more(x):\n    report('E', x[0].y)\n")
    with pytest.raises(UnknownWayError, match="planted"):
        helps_in(tmp_path)
