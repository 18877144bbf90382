"""What a compilation makes of sources and requests: arguments, policies, uses, limits."""

import gc
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from orch.compiler.compile import compile_pipeline
from orch.compiler.plan import Plan, PlannedStage, plan_from_json, with_digest
from orch.compiler.policy import is_of_run
from orch.compiler.request import Compilation, Request


def write(root: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")


def compiled(root: Path, source: str, **request: Any) -> Compilation:
    write(root, {"main.pipeline": source})
    return compile_pipeline(str(root), "main.pipeline", Request(**request))


def planned(root: Path, source: str, **request: Any) -> Plan:
    compilation = compiled(root, source, **request)
    assert compilation.plan is not None, [d.message for d in compilation.diagnostics]
    return compilation.plan


def codes(compilation: Compilation) -> list[str]:
    return [diagnostic.code for diagnostic in compilation.diagnostics]


def stage_of(plan: Plan, id_: str) -> PlannedStage:
    (found,) = [stage for stage in plan.stages if stage.id == id_]
    return found


# -- arguments ------------------------------------------------------------------

EVERY_TYPE = """\
pipeline demo { }
param s: string = "d" { env = "S" }
param i: int = 0
param f: float = 0.5
param b: bool = false
param d: duration = 1s
param z: size = 1KiB
param p: path = "."
param l: list<duration> = []
param m: map<int> = { }
stage show {
  run = ["show", "{{ s }}", "{{ i }}", "{{ f }}", "{{ b }}", "{{ d | seconds }}", "{{ z | bytes }}",
         "{{ p }}", "{{ l | length }}", "{{ m | json }}"]
}
"""


def test_texts_are_read_as_the_types_of_their_parameters(tmp_path: Path) -> None:
    """As literals of a file; lists and maps as JSON, with durations as texts in them."""
    given = {
        "s": "3", "i": "1_000", "f": "2", "b": "true", "d": "1h30m", "z": "2MiB", "p": "./a/../b",
        "l": '["5m", "1s"]', "m": '{"a": 1}',
    }  # fmt: skip
    plan = planned(tmp_path, EVERY_TYPE, arguments=given)
    assert plan.params == {
        "s": "3", "i": 1000, "f": 2.0, "b": True, "d": 5_400_000, "z": 2_097_152, "p": "b",
        "l": [300_000, 1000], "m": {"a": 1},
    }  # fmt: skip
    argv = stage_of(plan, "show").argv
    assert argv[1:] == ("3", "1000", "2", "true", "5400", "2097152", "b", "2", '{"a":1}')


def test_values_of_a_file_are_judged_by_type(tmp_path: Path) -> None:
    """A JSON number is an int or a float, a text a duration; nothing is converted silently."""
    given = {"i": 3, "f": 2, "b": True, "d": "5m", "z": "64KiB", "l": ["1s"], "m": {"a": 2}}
    plan = planned(tmp_path, EVERY_TYPE, argument_values=given)
    assert (plan.params["f"], plan.params["d"], plan.params["l"]) == (2.0, 300_000, [1000])
    for name, value in {
        "s": 3, "i": "3", "f": "1", "b": 1, "d": 5, "z": 64, "p": None, "l": "1s", "m": [["a", 1]],
    }.items():  # fmt: skip
        assert codes(compiled(tmp_path, EVERY_TYPE, argument_values={name: value})) == ["E0401"]


def test_a_value_of_a_file_is_shown_as_it_stands_there(tmp_path: Path) -> None:
    """So that a text that looks like a number is seen to be one, whatever else it may be."""
    circle: list[Any] = []
    circle.append(circle)
    for value, shown in (("3", '"3"'), (["é"], '["é"]'), ({1: b"x"}, '{"1": "b\'x\'"}')):
        (found,) = compiled(tmp_path, EVERY_TYPE, argument_values={"i": value}).diagnostics
        assert found.message == f"the argument for `i` is `{shown}`, which is no int"
    for odd in (circle, {object(): 1}):
        (found,) = compiled(tmp_path, EVERY_TYPE, argument_values={"i": odd}).diagnostics
        assert found.message.endswith("which is no int")


@pytest.mark.parametrize(
    "value",
    ["x\udc80y", float("nan"), float("inf"), 2**63, object(), {"a": object()}, [[[]]], b"x"],
    ids=repr,
)
@pytest.mark.parametrize("name", ["s", "i", "f", "b", "d", "z", "p", "l", "m"])
def test_values_that_no_plan_can_hold_are_refused(tmp_path: Path, name: str, value: Any) -> None:
    """Broken text, numbers that JSON lacks, objects of a host language."""
    found = compiled(tmp_path, EVERY_TYPE, argument_values={name: value})
    assert codes(found) == ["E0401"]
    assert found.plan is None


def test_an_argument_counts_more_than_a_file_and_that_more_than_the_environment(
    tmp_path: Path,
) -> None:
    """-p over --params over env over default; the variable is noted, also when it isn't set."""
    layers: dict[str, Any] = {
        "environment": {"S": "env"},
        "argument_values": {"s": "file"},
        "arguments": {"s": "argument"},
    }
    assert planned(tmp_path, EVERY_TYPE, **layers).params["s"] == "argument"
    del layers["arguments"]
    assert planned(tmp_path, EVERY_TYPE, **layers).params["s"] == "file"
    del layers["argument_values"]
    found = compiled(tmp_path, EVERY_TYPE, **layers)
    assert found.plan is not None
    assert found.plan.params["s"] == "env"
    assert found.inputs.variables == {"S": "env"}
    assert compiled(tmp_path, EVERY_TYPE).inputs.variables == {"S": None}
    assert planned(tmp_path, EVERY_TYPE, environment={"S": ""}).params["s"] == ""


def test_a_nul_in_an_argument_stops_where_it_would_reach_a_command(tmp_path: Path) -> None:
    """No process can be given one."""
    source = 'pipeline demo { }\nparam s: string\nstage a { run = ["x", "{{ s }}"] }\n'
    assert codes(compiled(tmp_path, source, argument_values={"s": "a\0b"})) == ["E0508"]


def test_a_script_that_no_process_could_be_given_is_refused(tmp_path: Path) -> None:
    """The kernel takes 128 KiB in one argument; the compiler says so before the run."""
    fits = planned(tmp_path, f"pipeline demo {{ }}\nstage a {{ run = '{'x' * 131_071}' }}\n")
    assert len(fits.stages[0].argv[-1]) == 131_071
    for value in ("x" * 131_072, "é" * 65_536):
        source = f"pipeline demo {{ }}\nstage a {{ run = '{value}' }}\n"
        assert codes(compiled(tmp_path, source)) == ["E0508"]


# -- policies -------------------------------------------------------------------

LAYERED = """\
pipeline demo { }
policy { timeout = 3m, retry { attempts = 3 } }
use "lib.pipeline" as lib { policy { timeout = 5m, output { log = 5MiB } } }
stage own { run = "true" timeout = 6m }
"""
LIBRARY = """\
policy { timeout = 4m, output { log = 4MiB, error = 4KiB } }
stage plain { run = "true" }
stage own { run = "true" policy { timeout = 6m } }
"""


def origins_of(found: Compilation, stage_id: str) -> dict[str, str]:
    given = found.policies[stage_id]
    return {name: value.origin for name, value in given.items() if not is_of_run(name)}


def test_policies_are_settled_layer_over_layer(tmp_path: Path) -> None:
    """Built-in < project < using pipeline < file < use < stage < command line."""
    write(tmp_path, {"lib.pipeline": LIBRARY})
    project = b"""
[policy]
grace = "2s"
timeout = "2m"
retry = { factor = 4 }
concurrency = 7
"""
    found = compiled(tmp_path, LAYERED, project_file=project, policy={"output.buffer": "1KiB"})
    assert found.plan is not None
    assert found.plan.policy.concurrency == 7
    plain = stage_of(found.plan, "lib.plain").policy
    assert (plain.timeout_ms, plain.grace_ms) == (300_000, 2000)
    assert (plain.retry.attempts, plain.retry.factor) == (3, 4.0)
    assert (plain.output.log_bytes, plain.output.error_bytes) == (5 * 2**20, 4096)
    assert plain.output.buffer_bytes == 1024
    assert stage_of(found.plan, "lib.own").policy.timeout_ms == 360_000
    assert stage_of(found.plan, "own").policy.output.log_bytes == 64 * 2**20
    assert origins_of(found, "lib.plain") == {
        "timeout": "main.pipeline:3",
        "grace": "orch.toml:3",
        "retry.attempts": "main.pipeline:2",
        "retry.backoff": "built-in",
        "retry.factor": "orch.toml:5",
        "retry.jitter": "built-in",
        "retry.on": "built-in",
        "output.buffer": "the command line",
        "output.error": "lib.pipeline:1",
        "output.log": "main.pipeline:3",
    }
    assert found.policies["lib.own"]["timeout"].origin == "lib.pipeline:3"
    assert found.policies[""]["concurrency"].origin == "orch.toml:6"


def test_the_command_line_has_the_last_word(tmp_path: Path) -> None:
    """Over a stage's own setting too; ranges, words and lists are written as in a file."""
    given = {
        "timeout": "9m", "retry.attempts": "5", "retry.backoff": "1s..2s", "retry.jitter": "none",
        "retry.on": "timeout, exit(3)", "retry.factor": "1.5", "fail_fast": "false",
        "deadline": "1h", "heartbeat.every": "1s", "lock.attempts": "2", "output.log": "1GiB",
    }  # fmt: skip
    write(tmp_path, {"lib.pipeline": LIBRARY})
    plan = planned(tmp_path, LAYERED, policy=given)
    own = stage_of(plan, "lib.own").policy
    assert own.timeout_ms == 540_000
    assert (own.retry.attempts, own.retry.backoff_ms, own.retry.jitter) == (5, (1000, 2000), "none")
    assert own.retry.on == ("timeout", "exit(3)")
    assert (plan.policy.fail_fast, plan.policy.deadline_ms) == (False, 3_600_000)


# -- files ----------------------------------------------------------------------

USING = 'pipeline demo { }\nuse "lib.pipeline" as lib { }\nstage a { needs = [lib] run = "true" }\n'


def test_a_pipe_is_no_file_and_blocks_nobody(tmp_path: Path) -> None:
    """What isn't a regular file is never opened for reading."""
    os.mkfifo(tmp_path / "lib.pipeline")
    assert codes(compiled(tmp_path, USING)) == ["E0001"]
    assert codes(compile_pipeline(str(tmp_path), "lib.pipeline", Request())) == ["E0001"]


@pytest.mark.parametrize("path", ["none.pipeline", "", ".", "folder", "a\0b", "x" * 5000])
def test_an_entry_that_is_no_file_is_one_diagnostic(tmp_path: Path, path: str) -> None:
    """Whatever the name is, there is one error and no exception."""
    (tmp_path / "folder").mkdir()
    assert codes(compile_pipeline(str(tmp_path), path, Request())) == ["E0001"]


@pytest.mark.parametrize("path", ["../x.pipeline", "/etc/passwd", "a/../../x", "link.pipeline"])
def test_an_entry_outside_the_root_is_not_read(tmp_path: Path, path: str) -> None:
    """Neither by dots, nor by an absolute path, nor through a link."""
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "x.pipeline").write_text("pipeline demo { }")
    (root / "link.pipeline").symlink_to("../x.pipeline")
    assert codes(compile_pipeline(str(root), path, Request())) == ["E0004"]


def test_an_absolute_path_below_the_root_is_known_by_its_relative_one(tmp_path: Path) -> None:
    """So plans and messages never hold the root."""
    write(tmp_path, {"a/main.pipeline": 'pipeline demo { }\nstage a { runn = "true" }\n'})
    found = compile_pipeline(str(tmp_path), str(tmp_path / "a" / "main.pipeline"), Request())
    assert {diagnostic.path for diagnostic in found.diagnostics} == {"a/main.pipeline"}


def test_a_link_in_a_circle_is_no_file(tmp_path: Path) -> None:
    """The system's refusal is an ordinary error."""
    (tmp_path / "lib.pipeline").symlink_to("lib.pipeline")
    assert codes(compiled(tmp_path, USING)) in (["E0001"], ["E0004"])


def test_a_used_file_is_read_once_and_its_mistakes_are_told_once(tmp_path: Path) -> None:
    """However many combinations bring it in."""
    write(tmp_path, {"lib.pipeline": 'param n: int\nstage run { run = "x" titel = "{{ n }}" }\n'})
    source = """\
    pipeline demo { }
    use "lib.pipeline" as one { matrix { n = {{ range(0, 500) }} } with { n = {{ matrix.n }} } }
    use "lib.pipeline" as two { with { n = 3 } }
    """
    assert codes(compiled(tmp_path, source)) == ["E0205"]


def test_globs_are_noted_with_what_they_found(tmp_path: Path) -> None:
    """The cache asks them again."""
    write(tmp_path, {"data/b": "", "data/a": ""})
    source = 'pipeline demo { }\nstage a { run = ["x", {{ glob("data/*") }}, {{ glob("n*") }}] }\n'
    assert compiled(tmp_path, source).inputs.globs == {"data/*": ("data/a", "data/b"), "n*": ()}


# -- conditions, needs, limits ----------------------------------------------------


def test_the_reason_of_a_skip_is_the_condition(tmp_path: Path) -> None:
    """A person reads what decided, and which `use` said it."""
    write(tmp_path, {"lib.pipeline": 'stage run { run = "true" }\n'})
    source = """\
    pipeline demo { }
    param level: string = "quick"
    stage a { run = "true" when = {{ params.level   ==
      "full" }} }
    use "lib.pipeline" as lib { when = {{ level == "full" }} }
    """
    plan = planned(tmp_path, source)
    assert stage_of(plan, "a").skip == 'when is false: params.level == "full"'
    assert stage_of(plan, "lib.run").skip == 'when is false: level == "full" (of `lib`)'
    assert [s.skip for s in planned(tmp_path, source, arguments={"level": "full"}).stages] == [
        None,
        None,
    ]


def test_all_stages_of_a_use_come_after_what_it_needs(tmp_path: Path) -> None:
    """Those behind others too: a skipped first stage must not let the second run early."""
    lib = """\
    stage a { run = "x" when = false }
    stage b { needs = [a] run = "x" }
    finally c { run = "x" }
    """
    write(tmp_path, {"lib.pipeline": lib})
    source = """\
    pipeline demo { }
    stage first { run = "true" }
    use "lib.pipeline" as lib { needs = [first] }
    stage last { needs = [lib] run = "true" }
    """
    plan = planned(tmp_path, source)
    assert stage_of(plan, "lib.b").needs == ("first", "lib.a")
    assert stage_of(plan, "lib.c").needs == ()
    assert stage_of(plan, "last").needs == ("lib.a", "lib.b"), "a finally stage is no need"


def test_a_plan_of_too_many_stages_is_refused_before_it_is_laid_out(tmp_path: Path) -> None:
    """Eleven matrices of 10,000; what else is wrong is found all the same."""
    matrix = 'matrix { n = {{ range(0, 10000) }} } run = ["x", "{{ matrix.n }}"]'
    stages = "".join(f"stage s{n} {{ {matrix} }}\n" for n in range(11))
    more = 'stage t { run = "true" needs = [s0[n=3], u] }\n'
    found = compiled(tmp_path, f"pipeline demo {{ }}\n{stages}{more}")
    assert codes(found) == ["E0307", "E0201"]


def test_files_that_multiply_are_counted_not_tried(tmp_path: Path) -> None:
    """Sixteen levels of four uses are four thousand million files."""
    for level in range(15):
        uses = "".join(f'use "f{level + 1}.pipeline" as u{n} {{ }}\n' for n in range(4))
        write(tmp_path, {f"f{level}.pipeline": uses})
    write(tmp_path, {"f15.pipeline": 'stage a { run = "true" }\n'})
    source = 'pipeline demo { }\nuse "f0.pipeline" as all { }\n'
    assert codes(compiled(tmp_path, source)) == ["E0307"]


def test_a_long_chain_of_lets_is_no_deep_recursion(tmp_path: Path) -> None:
    """Five thousand, written from the last to the first."""
    lets = [f'let v{n} = "{{{{ lets.v{n - 1} }}}}"' for n in range(5000, 0, -1)]
    source = "pipeline demo { }\n" + "\n".join([*lets, 'let v0 = "x"'])
    plan = planned(tmp_path, source + '\nstage a { run = ["{{ v5000 }}"] }\n')
    assert plan.stages[0].argv == ("x",)


def test_the_collector_of_garbage_is_left_as_it_was(tmp_path: Path) -> None:
    """It rests while a plan is made, and no longer."""
    assert gc.isenabled()
    compiled(tmp_path, "pipeline demo {")
    assert gc.isenabled()
    gc.disable()
    try:
        compiled(tmp_path, "pipeline demo { }")
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_the_time_of_a_compilation_is_linear_in_its_stages(tmp_path: Path) -> None:
    """Ten times the stages are not a hundred times the work; the bounds are generous."""
    import time

    def seconds(count: int) -> float:
        stages = "".join(
            f'stage s{n} {{ needs = [s{n - 1}] run = "echo {{{{ params.p }}}}" }}\n'
            for n in range(1, count)
        )
        source = f'pipeline demo {{ }}\nparam p: string = "x"\nstage s0 {{ run = "x" }}\n{stages}'
        begun = time.process_time()
        planned(tmp_path, source)
        return time.process_time() - begun

    seconds(50)
    assert seconds(2500) < 40 * max(seconds(250), 0.02)


def test_a_plan_that_is_changed_gets_the_digest_of_what_it_is_now(tmp_path: Path) -> None:
    """`--keep-going` changes a plan that has one already, and `resume` reads what was kept."""
    text = 'pipeline demo { }\nstage a { run = ["true"] }\n'
    (tmp_path / "demo.pipeline").write_text(text, encoding="utf-8")
    plan = compile_pipeline(str(tmp_path), "demo.pipeline", Request()).plan
    assert plan is not None
    assert with_digest(plan) == plan
    kept_going = with_digest(replace(plan, params={"x": 1}))
    assert kept_going.digest != plan.digest
    assert plan_from_json(kept_going.to_json()) == kept_going
