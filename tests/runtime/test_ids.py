"""Ids that become folder names: refused, never repaired (runtime.md, section 2)."""

import random
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch.runtime.ids import (
    InvalidIdError,
    new_run_id,
    resolve_task_id,
    sanitize_run_id,
    sanitize_task_id,
    slug,
)
from tests.runtime.samples import sample_plan

REFUSED = {
    "empty": ("", "empty"),
    "129 bytes": ("a" * 129, "character 129"),
    "129 bytes in 43 characters": ("…" * 43, "character 43"),
    "a NUL": ("a\0b", "character 2"),
    "a line end": ("ab\n", "character 3"),
    "escape": ("\x1b[31m", "character 1"),
    "delete": ("a\x7f", "character 2"),
    "a C1 control": ("a\x85b", "character 2"),
    "a zero-width joiner": ("a\u200db", "character 2"),
    "a right-to-left override": ("\u202etxt", "character 1"),
    "a byte order mark": ("\ufeffa", "character 1"),
    "a lone surrogate": ("a\udc80", "character 2"),
    "an unassigned character": ("\u0378", "character 1"),
    "a noncharacter": ("\uffff", "character 1"),
    "a slash": ("a/b", "character 2"),
    "a backslash": ("a\\b", "character 2"),
    "less than": ("<a", "character 1"),
    "greater than": ("a>", "character 2"),
    "a colon": ("c:a", "character 2"),
    "a quote": ('a"', "character 2"),
    "a bar": ("a|b", "character 2"),
    "a question mark": ("what?", "character 5"),
    "a star": ("*", "character 1"),
    "a dot": (".", "character 1"),
    "the folder above": ("..", "character 1"),
    "a hidden name": (".git", "character 1"),
    "a trailing dot": ("a.", "character 2"),
    "a trailing space": ("a ", "character 2"),
    "a space": (" ", "character 1"),
    "two dots": ("a..b", "character 2"),
    "a path above": ("../../etc", "character 3"),
    "CON": ("CON", "character 1"),
    "con": ("con", "character 1"),
    "prn.txt": ("prn.txt", "character 1"),
    "Aux.tar.gz": ("Aux.tar.gz", "character 1"),
    "nul with a space": ("nul .x", "character 1"),
    "com1": ("com1", "character 1"),
    "LPT9.log": ("LPT9.log", "character 1"),
    "a superscript port": ("COM¹", "character 1"),
    "another": ("lpt³.x", "character 1"),
    "CONIN$": ("CONIN$", "character 1"),
    "conout$.txt": ("conout$.txt", "character 1"),
    "decomposed": ("cafe\u0301", "character 4"),
    "the Kelvin sign": ("300\u212a", "character 4"),
    "misordered accents": ("a\u0301\u0323", "character 1"),
}

ACCEPTED = [
    "a", "diagnostics", "A-b_c.d", "a b", "a" * 128, "ä" * 64, "日本語", "👍", "con1", "com0",
    "COM10", "console", "lpt", "a.con", "nul-", "nul\u0131", "$x", "a~b", "-", "--help",
    "caf\u00e9", "\u00a0x", "2026-11-22T09-55-41-431Z-9574035c",
]  # fmt: skip


@pytest.mark.parametrize(("text", "place"), REFUSED.values(), ids=REFUSED)
def test_ids_that_no_file_system_may_see_are_refused(text: str, place: str) -> None:
    """The message begins with the source and names the place, without raw controls."""
    with pytest.raises(InvalidIdError) as caught:
        sanitize_task_id(text)
    message = str(caught.value)
    assert message.startswith("Invalid task id")
    assert place in message
    assert message.isprintable()
    with pytest.raises(InvalidIdError, match=r"^Invalid run id"):
        sanitize_run_id(text)
    with pytest.raises(InvalidIdError, match=r"^Invalid MCP_RUNNER_TASK_ID"):
        sanitize_task_id(text, "MCP_RUNNER_TASK_ID")


@pytest.mark.parametrize("text", ACCEPTED)
def test_ordinary_ids_are_taken_as_they_are(text: str) -> None:
    assert sanitize_task_id(text) == text
    assert sanitize_run_id(text) == text


@given(st.text(max_size=140))
def test_an_accepted_id_is_one_plain_name_everywhere(text: str) -> None:
    """Whatever is accepted is unchanged, short, composed, and one harmless path component."""
    try:
        accepted = sanitize_task_id(text)
    except InvalidIdError:
        return
    assert accepted == text
    assert 0 < len(text.encode()) <= 128
    assert unicodedata.normalize("NFC", text) == text
    assert not set(text) & set('<>:"/\\|?*\0\n\t')
    assert ".." not in text
    assert text[0] != "."
    assert text[-1] not in ". "


def test_run_ids_are_utc_time_and_eight_hex_digits() -> None:
    assert new_run_id(1_795_341_341_431, random.Random(7)) == "2026-11-22T09-55-41-431Z-52e6b438"


@given(st.integers(0, 4_000_000_000_000), st.integers(0, 2**32))
def test_every_new_run_id_is_valid_and_sorts_by_time(now_ms: int, seed: int) -> None:
    earlier = new_run_id(now_ms, random.Random(seed))
    later = new_run_id(now_ms + 1, random.Random(seed + 1))
    assert sanitize_run_id(earlier) == earlier
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-\d{3}Z-[0-9a-f]{8}", earlier)
    assert earlier < later


@given(st.lists(st.text(max_size=60), min_size=2, max_size=20))
def test_two_stages_never_share_a_name_on_disk(ids: list[str]) -> None:
    """Also where case means nothing, and where ids are equal but for what a slug leaves out."""
    names = [slug(index, stage_id) for index, stage_id in enumerate(ids)]
    assert len({name.casefold() for name in names}) == len(ids)
    for name in names:
        assert re.fullmatch(r"\d{4}-[A-Za-z0-9][A-Za-z0-9._-]*", name)
        assert len(name) <= 45


def test_a_slug_can_be_read() -> None:
    assert slug(3, "test[python=3.11,suite=db]") == "0003-test-python-3.11-suite-db"
    assert slug(0, "日本") == "0000-stage"
    assert slug(12345, "web.lint") == "12345-web.lint"


def test_the_task_is_that_of_the_flag_then_the_variable_then_the_pipeline() -> None:
    plan = sample_plan("a", task="filed", name="named")
    environment = {"MCP_RUNNER_TASK_ID": "from-variable"}
    assert resolve_task_id("flag", environment, plan) == "flag"
    assert resolve_task_id(None, environment, plan) == "from-variable"
    assert resolve_task_id(None, {}, plan) == "filed"
    assert resolve_task_id(None, {}, sample_plan("a", name="named")) == "named"


def test_a_variable_that_is_set_but_empty_is_refused() -> None:
    with pytest.raises(InvalidIdError, match=r"^Invalid MCP_RUNNER_TASK_ID: it is empty"):
        resolve_task_id(None, {"MCP_RUNNER_TASK_ID": ""}, sample_plan("a", task="filed"))
    with pytest.raises(InvalidIdError, match=r"^Invalid task id: it is empty"):
        resolve_task_id("", {"MCP_RUNNER_TASK_ID": "fine"}, sample_plan("a"))


def test_a_pipeline_whose_name_is_a_device_needs_a_task_id() -> None:
    with pytest.raises(InvalidIdError, match="device on Windows"):
        resolve_task_id(None, {}, sample_plan("a", name="aux"))
