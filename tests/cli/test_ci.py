"""What a run leaves for CI, read by what reads it: a JUnit reader, a Markdown parser, a schema."""

import json
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped] # It ships no types.
from junitparser import JUnitXml, TestCase, TestSuite
from markdown_it import MarkdownIt

from orch.cli.junit import junit_report
from orch.dsl.record import changed
from orch.runtime.events import PAYLOADS
from orch.runtime.run_result import RunResult
from orch.runtime.schemas import schema_of
from orch.runtime.states import RunStatus
from tests.cli.orch_program import ORCH, orch
from tests.cli.test_diagnostics_for_programs import as_github_reads
from tests.runtime.samples import finished_manifest, sample_plan, written_run

EVERY_END = r'''
pipeline ends { title = "Every way to end" }
policy { concurrency = 1 }
stage good { run = "echo '100% ]]> <b>'; head -c 32 /dev/zero" summary = "one | `file`" }
stage bad {
  retry { attempts = 2, backoff = 1ms..1ms }
  run = """
    printf 'a\n``` b\n\033[31m|<i>\033[0m\001\357\277\277 \360\237\220\210' >&2
    exit 3
  """
}
stage may { allow_failure = true run = "exit 4" }
stage gone { run = ["/nowhere/program"] }
stage each { matrix { x = ["<a|b>", "[c](d)", "https://x.y"] } run = "true" }
stage after { needs = [bad] run = "true" }
stage off { when = false run = "true" }
'''


def with_pipeline(folder: Path, text: str) -> Path:
    (folder / "x.pipeline").write_text(text, encoding="utf-8")
    return folder


def suite_of(file: Path) -> tuple[Any, dict[str, Any]]:
    """The one suite of a report, and its cases by their names."""
    [suite] = JUnitXml.fromfile(str(file))
    assert isinstance(suite, TestSuite)
    return suite, {case.name: case for case in suite}


def verdict(case: Any) -> tuple[str, str]:
    """`("failure", "exit 3")`; empty where the case has passed."""
    assert isinstance(case, TestCase)
    assert len(case.result) <= 1
    return next(((type(r).__name__.lower(), r.message) for r in case.result), ("", ""))


# -- JUnit ------------------------------------------------------------------------


def test_a_report_says_of_every_stage_how_it_ended(tmp_path: Path) -> None:
    """Failures are not errors, what may fail fails nothing, and output is text whatever it is."""
    with_pipeline(tmp_path, EVERY_END)
    done = orch("run", "x.pipeline", "--keep-going", "--junit", "report.xml", cwd=tmp_path)
    assert done.returncode == 1
    suite, cases = suite_of(tmp_path / "report.xml")
    assert {name: verdict(case) for name, case in cases.items()} == {
        "good": ("", ""),
        "bad": ("failure", "exit 3 after 2 attempts"),
        "may": ("skipped", "failed, as it may: exit 4"),
        "gone": ("error", "could not be started"),
        'each[x="<a|b>"]': ("", ""),
        'each[x="[c](d)"]': ("", ""),
        'each[x="https://x.y"]': ("", ""),
        "after": ("skipped", "needs `bad`, which failed"),
        "off": ("skipped", "when is false"),
    }
    assert (suite.name, suite.tests, suite.failures, suite.errors, suite.skipped) == (
        "ends", 9, 1, 1, 3,
    )  # fmt: skip
    assert cases["good"].system_out == "100% ]]> <b>\n" + "^@" * 32 + "\n"
    assert cases["bad"].system_err == "a\n``` b\n|<i>^A\N{REPLACEMENT CHARACTER} \N{CAT}\n"
    assert {case.classname for case in cases.values()} == {"ends"}
    run_id = json.loads(orch("status", "--format", "json", cwd=tmp_path).stdout)["run_id"]
    assert {p.name: p.value for p in suite.properties()}["run_id"] == run_id


def test_a_resumed_run_is_reported_whole(project: Path) -> None:
    """Stages that are kept are cases too; the report of before is replaced."""
    orch("run", "pipelines/failing.pipeline", "--junit", "r.xml", cwd=project)
    assert suite_of(project / "r.xml")[0].failures == 1
    (project / "mended").touch()
    assert orch("resume", "last", "--junit", "r.xml", cwd=project).returncode == 0
    suite, cases = suite_of(project / "r.xml")
    assert (suite.tests, suite.failures, suite.errors, suite.skipped) == (3, 0, 0, 0)
    assert set(cases) == {"good", "bad", "after"}


def test_no_report_of_another_run_is_left(project: Path) -> None:
    """Where nothing was run, the file says so, and no reader takes it for a success."""
    orch("run", "pipelines/demo.pipeline", "--junit", "r.xml", cwd=project)
    assert suite_of(project / "r.xml")[0].errors == 0
    assert orch("run", "pipelines/broken.pipeline", "--junit", "r.xml", cwd=project).returncode == 2
    [case] = suite_of(project / "r.xml")[1].values()
    assert verdict(case)[0] == "error"
    assert "nothing was run" in verdict(case)[1]


@pytest.mark.parametrize(
    ("number", "said"),
    [(signal.SIGTERM, {"slow": "cancelled"}), (signal.SIGKILL, {"orch": "nothing was run, or"})],
)
def test_a_run_that_is_ended_from_outside_is_reported(
    number: int, said: dict[str, str], tmp_path: Path
) -> None:
    """By orch, or by what it wrote before it began, where it was killed itself."""
    with_pipeline(tmp_path, 'pipeline p { }\nstage slow { run = "touch begun; exec sleep 60" }\n')
    report = tmp_path / "r.xml"
    with subprocess.Popen(
        [*ORCH, "run", "x.pipeline", "--junit", "r.xml"],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        while not (tmp_path / "begun").exists():
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(number)
    cases = suite_of(report)[1]
    assert set(cases) == set(said)
    for name, words in said.items():
        assert verdict(cases[name])[0] == "error"
        assert words in verdict(cases[name])[1]


def test_the_deadline_is_an_error_of_every_stage_that_it_cancelled(tmp_path: Path) -> None:
    """Also of those that had not begun."""
    with_pipeline(
        tmp_path,
        "pipeline p { }\npolicy { deadline = 300ms, grace = 100ms }\n"
        'stage first { run = "sleep 60" }\nstage second { needs = [first] run = "true" }\n',
    )
    assert orch("run", "x.pipeline", "--junit", "r.xml", cwd=tmp_path).returncode == 4
    cases = suite_of(tmp_path / "r.xml")[1]
    assert {verdict(case) for case in cases.values()} == {
        ("error", "the deadline of the run passed")
    }


def test_a_run_that_failed_by_no_stage_has_a_case_of_its_own(tmp_path: Path) -> None:
    """Else every case would have passed, and so would the run for whoever reads the report."""
    plan = sample_plan("a")
    paths, _ = written_run(tmp_path, plan)
    manifest = changed(finished_manifest(paths, plan), status=RunStatus.FAILED, reason="journal")
    result = RunResult(paths, manifest, RunStatus.FAILED, "journal", 3)
    (tmp_path / "r.xml").write_bytes(junit_report(result, plan))
    suite, cases = suite_of(tmp_path / "r.xml")
    assert verdict(cases["run"]) == ("error", "journal")
    assert suite.errors == 1


@pytest.mark.parametrize("file", ["pipelines", "nowhere/r.xml", "pipelines/demo.pipeline/r.xml"])
def test_a_report_that_can_not_be_written_is_said_before_anything_is_run(
    file: str, project: Path
) -> None:
    """Exit 2, and no run."""
    done = orch("run", "pipelines/demo.pipeline", "--junit", file, cwd=project)
    assert done.returncode == 2
    assert "--junit names" in done.stderr
    assert not (project / ".runs").exists()


# -- GitHub Actions ----------------------------------------------------------------


def on_github(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    env = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(folder / "summary.md")}
    return orch(*words, cwd=folder, env=env)


def cells_of(markdown: str) -> list[list[str]]:
    """The rows of the tables of a page, as text; no cell may hold markup."""
    rows: list[list[str]] = []
    for token in MarkdownIt("gfm-like", {"linkify": False}).enable("table").parse(markdown):
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline" and token.level >= 4 and rows:
            children = token.children or []
            assert {child.type for child in children} <= {"text"}, children
            rows[-1].append("".join(child.content for child in children))
    return rows


def test_the_summary_of_a_step_is_markdown_that_shows_every_stage(tmp_path: Path) -> None:
    """A row for each, those that failed first, hostile names as they are; output in fences."""
    with_pipeline(tmp_path, EVERY_END)
    on_github(tmp_path, "run", "x.pipeline", "--keep-going")
    text = (tmp_path / "summary.md").read_text(encoding="utf-8")
    rows = cells_of(text)
    assert [(row[1], row[3]) for row in rows[1:]] == [
        ("bad", "exit 3 after 2 attempts"),
        ("may", "exit 4, which is allowed"),
        ("gone", "could not be started"),
        ("good", "one | `file`"),
        ('each[x="<a|b>"]', ""),
        ('each[x="[c](d)"]', ""),
        ('each[x="https://x.y"]', ""),
        ("after", "needs `bad`, which failed"),
        ("off", "when is false"),
    ]
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(text)
    fences = [token.content for token in tokens if token.type == "fence"]
    assert fences[0] == "a\n``` b\n|<i>^A\uffff \N{CAT}\n"
    assert fences[1].startswith("no such program: `/nowhere/program`")
    assert not [token for token in tokens if token.type.startswith("html")]


def test_runs_of_one_step_share_its_summary(project: Path) -> None:
    """Each adds its own, whatever was there."""
    (project / "summary.md").write_text("before\n", encoding="utf-8")
    for _ in range(2):
        assert on_github(project, "run", "pipelines/demo.pipeline").returncode == 0
    text = (project / "summary.md").read_text(encoding="utf-8")
    assert text.startswith("before\n")
    assert text.count("### ✅ demo succeeded in") == 2


def annotations(stderr: str) -> list[tuple[str, dict[str, str], str]]:
    return [as_github_reads(line) for line in stderr.splitlines() if line.startswith("::error")]


def test_failed_stages_are_annotated_on_stderr(tmp_path: Path) -> None:
    """stdout stays one document; whatever a stage wrote becomes no command of its own."""
    with_pipeline(
        tmp_path,
        "pipeline p { }\nstage bad { run = \"printf 'one\\n::set-env name=A::b, 50%%\\n' >&2; "
        'exit 3" }\nstage may { allow_failure = true run = "exit 4" }\n',
    )
    done = on_github(tmp_path, "run", "x.pipeline", "--keep-going", "--format", "json")
    assert json.loads(done.stdout)["status"] == "failed"
    text = "exit 3\none\n::set-env name=A::b, 50%"
    fields = {"file": "x.pipeline", "line": "2", "title": "p: bad"}
    assert annotations(done.stderr) == [("error", fields, text)]
    warning = "::warning file=x.pipeline,line=3,title=p%3A may::exit 4"
    assert warning in done.stderr.splitlines()


def test_a_stage_is_annotated_where_it_stands(tmp_path: Path) -> None:
    """In the file that is used, from the checkout on; whatever combination, also of a matrix that
    hangs on arguments; of a resumed run too. A saved plan tells of no file, nor does one that is
    gone by then."""
    project = tmp_path / "in"
    project.mkdir()
    (project / "orch.toml").touch()
    with_pipeline(
        project,
        "pipeline p { }\nparam ns: list<int>\n\n"
        'use "lib.pipeline" as lib { matrix { n = {{ ns }} } with { code = {{ matrix.n }} } }\n',
    )
    (project / "lib.pipeline").write_text(
        'param code: int\n# …\nstage s { run = "test -e ../mended || exit {{ code }}" }\n',
        encoding="utf-8",
    )
    env = {"GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": str(tmp_path)}
    words = ("x.pipeline", "-p", "ns=[7]")
    done = orch("run", *words, cwd=project, env=env)
    [(_, fields, _)] = annotations(done.stderr)
    assert fields == {"file": "in/lib.pipeline", "line": "3", "title": "p: lib[n=7].s"}
    again = orch("resume", "last", cwd=project, env=env)
    assert annotations(again.stderr)[0][1] == fields
    (project / "plan.json").write_text(
        orch("plan", *words, "--format", "json", cwd=project).stdout, encoding="utf-8"
    )
    saved = orch("run", "plan.json", cwd=project, env=env)
    assert annotations(saved.stderr)[0][1] == {"title": "p: lib[n=7].s"}
    (project / "x.pipeline").unlink()
    first = min(folder.name for folder in (project / ".runs/p/cli").iterdir())
    gone = orch("resume", first, cwd=project, env=env)
    assert annotations(gone.stderr)[0][1] == {"title": "p: lib[n=7].s"}


LEGACY = """\
pipeline p { }
stage told { summary = "##[error]s" run = "true" }
stage bad { run = "echo 'x ##[stop-commands]y' >&2; exit 3" }
"""


@pytest.mark.parametrize("words", [(), ("-q",), ("-v",), ("--format", "json")])
def test_no_command_stands_in_the_middle_of_a_line(tmp_path: Path, words: tuple[str, ...]) -> None:
    """The runner looks for `##[…]` anywhere; elsewhere the text is shown as it is."""
    with_pipeline(tmp_path, LEGACY)
    words = ("run", "x.pipeline", "--keep-going", *words)
    done = on_github(tmp_path, *words)
    shown = [line for line in done.stderr.splitlines() if not line.startswith("::error ")]
    assert "x ## [stop-commands]y" in "\n".join(shown)
    assert "##[" not in "\n".join(shown)
    assert "json" in words or "##[" not in done.stdout
    assert "x ##[stop-commands]y" in orch(*words, cwd=tmp_path).stderr


def test_a_run_that_is_refused_is_annotated_where_the_mistake_stands(project: Path) -> None:
    """Beside the words for people, or the document; what GitHub shows a line of the file."""
    for words in (("run",), ("start", "--format", "json"), ("plan",), ("check", "--strict")):
        done = on_github(project, *words, "pipelines/broken.pipeline")
        assert done.returncode == 2
        told = annotations(done.stderr)
        if words[0] == "check":
            assert told == []
            continue
        assert [fields["title"] for _, fields, _ in told] == ["E0201", "E0101"]
        assert (told[0][1]["file"], told[0][1]["line"]) == ("pipelines/broken.pipeline", "2")


def test_more_than_github_shows_are_counted(tmp_path: Path) -> None:
    """Ten a step: nine stages, and how many more failed."""
    with_pipeline(tmp_path, f"pipeline p {{ }}\nstage s {{ matrix {{ n = {list(range(12))} }} "
                  'run = "exit 1" }\n')  # fmt: skip
    told = annotations(on_github(tmp_path, "run", "x.pipeline", "--keep-going").stderr)
    assert len(told) == 10
    assert told[-1][2] == "3 more stages failed"


def test_nothing_is_told_elsewhere(project: Path) -> None:
    """No annotation and no summary where GITHUB_ACTIONS doesn't say `true`; a summary that can't
    be written changes nothing of how the run ended."""
    env = {"GITHUB_ACTIONS": "false", "GITHUB_STEP_SUMMARY": str(project / "summary.md")}
    done = orch("run", "pipelines/failing.pipeline", cwd=project, env=env)
    assert "::" not in done.stderr
    assert not (project / "summary.md").exists()
    env = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(project / "no" / "summary.md")}
    done = orch("run", "pipelines/demo.pipeline", cwd=project, env=env)
    assert done.returncode == 0
    assert "can't write the summary to" in done.stderr


# -- events -----------------------------------------------------------------------

EVERYTHING = """
pipeline everything { }
policy { concurrency = 3, heartbeat { every = 1s, persist = 1s } }
service server { run = "echo up; exec sleep 60" ready { log = "up" } }
stage flaky {
  retry { attempts = 2, backoff = 1ms..1ms }
  run = "test -e tried || { touch tried; exit 7; }"
}
stage built {
  needs = [server]
  inputs = ["x.pipeline"]
  artifacts = ["out.txt"]
  values { size: int }
  run = "echo hello | tee out.txt; echo size=3 >\\"$ORCH_VALUES\\""
}
stage used { needs = [built] run = "test {{ stages.built.values.size }} -eq 3" }
stage rival { exclusive = "port" run = "true" }
stage opener {
  run = "until grep -qs stage:waiting .runs/everything/cli/*/*.jsonl; do sleep 0.05; done; touch go"
}
stage off { when = false run = "true" }
stage may { allow_failure = true run = "exit 4" }
stage bad { needs = [used, rival, flaky] run = "test -e mended" }
finally clean { run = "true" }
"""

HOLDER = """
pipeline holder { }
stage holder { exclusive = "port" run = "touch held; until test -e go; do sleep 0.05; done" }
"""


def test_every_event_keeps_the_published_schema(tmp_path: Path) -> None:
    """Those of `--format jsonl` and of the journal, of a run that uses all there is: retries, a
    service, values, artifacts, a name that another run holds, freshness, a failure, resumption."""
    (tmp_path / "holder.pipeline").write_text(HOLDER, encoding="utf-8")
    assert orch("run", "holder.pipeline", "--detach", cwd=tmp_path).returncode == 0
    while not (tmp_path / "held").exists():
        time.sleep(0.01)
    with_pipeline(tmp_path, EVERYTHING)
    lines = orch("run", "x.pipeline", "--format", "jsonl", cwd=tmp_path).stdout.splitlines()
    (tmp_path / "mended").touch()
    lines += orch("resume", "last", "--format", "jsonl", cwd=tmp_path).stdout.splitlines()
    lines += orch("run", "x.pipeline", "--format", "jsonl", cwd=tmp_path).stdout.splitlines()
    for journal in tmp_path.glob(".runs/everything/cli/*/journal.jsonl"):
        lines += journal.read_text(encoding="utf-8").splitlines()
    schema = schema_of("event")
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    events = [json.loads(line) for line in lines]
    wrong = [event for event in events if not validator.is_valid(event)]
    assert wrong == []
    seen = {event["type"] for event in events}
    assert set(PAYLOADS) - seen == {
        "run:cancelling", "heartbeat:failed",
        "snapshot:retrying", "snapshot:skipped", "snapshot:repaired",
    }  # fmt: skip
    assert not validator.is_valid(events[0] | {"type": "run:begun"})
