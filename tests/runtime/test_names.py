"""Names that are made and judged character by character: regular expressions say the same."""

import re
from pathlib import Path

from hypothesis import example, given
from hypothesis import strategies as st

from orch.runtime.environment import RunFacts, is_binding
from orch.runtime.exclusive import _file_name
from orch.runtime.fresh_records import records_path
from orch.runtime.ids import slug
from orch.runtime.paths import _is_id, artifacts_name
from tests.runtime.samples import new_run

# With the neighbours of what may stand in a name, and what other tests call a letter or a digit.
_CHARACTERS = "Az09_.-@[`{/:, \t\n\0é\u0663\uff12²ª\u017f\u212a\U0001d7ce\ud800"
NAMES = st.text(_CHARACTERS, max_size=60) | st.text(max_size=120) | st.text(_CHARACTERS[:7])


@given(NAMES)
@example("")
@example("a" * 39 + " b")
@example(" " * 50 + "a")
@example("-a--b-.c")
def test_a_slug_has_a_dash_for_what_a_file_name_cant_have(stage_id: str) -> None:
    readable = re.sub(r"[^A-Za-z0-9._]+", "-", stage_id)[:40].strip("-._")
    assert slug(7, stage_id) == f"0007-{readable or 'stage'}"


@given(NAMES)
@example("a b--c_d.e")
@example("é")
def test_the_file_of_an_exclusive_name_begins_with_what_can_be_read(name: str) -> None:
    readable, _, _ = _file_name(name).rpartition("-")
    assert readable == (re.sub(r"[^A-Za-z0-9_]+", "-", name[:40]).strip("-") or "name")


@given(NAMES)
@example("")
@example("a\n")
@example("-a")
@example("a-")
@example("1a")
@example("_1.a-")
def test_artifacts_lie_under_the_id_where_that_is_a_plain_name(stage_id: str) -> None:
    """It has to be an id of runs and tasks as well: no `..`, no device of Windows."""
    is_plain = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.-]*", stage_id) is not None
    is_name = is_plain and _is_id(stage_id)
    assert artifacts_name(7, stage_id) == (stage_id if is_name else slug(7, stage_id))


@given(NAMES)
@example("")
@example("a\n")
@example("-a")
@example("0-")
@example("a" * 100)
@example("a" * 101)
def test_records_lie_under_the_name_of_a_pipeline_where_that_is_plain(name: str) -> None:
    is_plain = re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,99}", name) is not None
    assert (Path(records_path("/", name)).stem == name) is is_plain


@given(NAMES.map("ORCH_B{}".format) | NAMES)
@example("ORCH_B")
@example("ORCH_B0")
@example("ORCH_B10\n")
@example("ORCH_B-1")
@example("ORCH_BORCH_B1")
def test_a_binding_is_known_by_its_number(name: str) -> None:
    assert is_binding(name) is (re.fullmatch(r"ORCH_B[0-9]+", name) is not None)


def test_of_an_outer_stage_nothing_is_passed_on(tmp_path: Path) -> None:
    """What merely begins like it is."""
    passed = ("ORCH_VALUES1", "ORCH_STAGES", "XORCH_STAGE", "ORCH_ATTEMPT_", "orch_stage", "ORCH_B")
    stopped = ("ORCH_VALUES", "ORCH_STAGE", "ORCH_ATTEMPT", "ORCH_B1", "ORCH_B007")
    facts = RunFacts(new_run(tmp_path), "demo")
    inherited = dict.fromkeys(passed + stopped, "outer")
    assert facts.passed_on(inherited, frozenset()) == dict.fromkeys(passed, "outer")
