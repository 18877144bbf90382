"""The command line, from outside: exit codes, what goes to which stream, what JSON holds."""

import json
import re
import shlex
from pathlib import Path

import pytest

from orch.cli.commands import COMMANDS
from orch.compiler.plan import digest_of
from orch.dsl.json_text import canonical_json
from tests.cli.orch_program import orch

DEMO = "pipelines/demo.pipeline"
FAILING = "pipelines/failing.pipeline"
BROKEN = "pipelines/broken.pipeline"


def test_check_draws_all_errors_and_exits_with_2(project: Path) -> None:
    """Both broken blocks are reported, with excerpt, summary and a way on, on stdout."""
    done = orch("check", BROKEN, cwd=project)
    assert done.returncode == 2
    assert "error[E0201]" in done.stdout
    assert " --> pipelines/broken.pipeline:2:24" in done.stdout
    assert re.search(r"\d+ errors in 1 file\n`orch explain E0\d{3}` says more", done.stdout)
    assert done.stderr == ""


def test_check_of_a_clean_file_exits_with_0(project: Path) -> None:
    """Nothing wrong: one line, nothing with --quiet."""
    done = orch("check", FAILING, cwd=project)
    assert (done.returncode, done.stdout, done.stderr) == (0, "no problems in 1 file\n", "")
    assert orch("check", "-q", FAILING, cwd=project).stdout == ""


def test_strict_makes_warnings_fail(project: Path) -> None:
    """A lint alone is fine, unless --strict."""
    (project / "lint.pipeline").write_text(
        'pipeline p { }\nparam unused: int = 1\nstage a { run = "true" }\n', encoding="utf-8"
    )
    assert orch("check", "lint.pipeline", cwd=project).returncode == 0
    done = orch("check", "--strict", "lint.pipeline", cwd=project)
    assert done.returncode == 2
    assert "warning[W0701]" in done.stdout


@pytest.mark.parametrize("command", ["check", "plan", "run"])
def test_diagnostics_as_json_are_the_same_for_every_command(command: str, project: Path) -> None:
    """One document of contracts.md section 1 on stdout; exit 2."""
    done = orch(command, BROKEN, "--format", "json", cwd=project)
    assert done.returncode == 2
    (first, *_) = json.loads(done.stdout)["diagnostics"]
    assert first["code"] == "E0201"
    assert first["path"] == BROKEN
    assert first["start"] == {"line": 2, "column": 24, "offset": 43}
    assert first["end"] == {"line": 2, "column": 30, "offset": 49}
    assert set(first) == {
        "code", "severity", "message", "path", "start", "end", "label", "help", "related",
    }  # fmt: skip


def test_paths_are_the_callers_and_diagnostics_the_roots(project: Path) -> None:
    """From a folder below the root FILE is relative to that folder, `path` to the root."""
    done = orch("check", "broken.pipeline", "--format", "json", cwd=project / "pipelines")
    assert {d["path"] for d in json.loads(done.stdout)["diagnostics"]} == {BROKEN}


def test_a_plan_is_canonical_json(project: Path) -> None:
    """The bytes are those that the digest is of."""
    done = orch("plan", DEMO, "-p", "level=full", "--format", "json", cwd=project)
    value = json.loads(done.stdout)
    assert done.returncode == 0
    assert done.stdout == canonical_json(value) + "\n"
    assert value["digest"] == digest_of(value)
    assert value["params"] == {"level": "full"}


def test_a_plan_is_drawn_as_a_tree(project: Path) -> None:
    """Run order, what is skipped and why, the bounds."""
    drawn = orch("plan", DEMO, cwd=project).stdout
    assert drawn.startswith("demo: A demonstration\n")
    assert "\nbuild " in drawn
    assert "\n└─ test " in drawn
    assert "\n   └─ deploy  skipped" in drawn
    assert "\nAt most\n" in drawn


def test_params_come_from_files_and_the_command_line_wins(project: Path) -> None:
    """TOML and JSON files; -p is over them."""
    (project / "a.toml").write_text('level = "full"\n', encoding="utf-8")
    (project / "a.json").write_text('{"level": "full"}', encoding="utf-8")
    for file in ("a.toml", "a.json"):
        words = ("plan", DEMO, "--params", file, "--format", "json")
        assert json.loads(orch(*words, cwd=project).stdout)["params"] == {"level": "full"}
        done = orch(*words, "-p", "level=quick", cwd=project)
        assert json.loads(done.stdout)["params"] == {"level": "quick"}


def test_policy_comes_from_orch_toml_and_the_command_line_wins(project: Path) -> None:
    """`[policy]` of orch.toml is below the file, --policy above all."""
    (project / "orch.toml").write_text('[policy]\ntimeout = "7m"\n', encoding="utf-8")
    words = ("plan", DEMO, "--format", "json")

    def timeout_ms(*more: str) -> int:
        stages = json.loads(orch(*words, *more, cwd=project).stdout)["stages"]
        found: int = stages[0]["policy"]["timeout_ms"]
        return found

    assert timeout_ms() == 7 * 60_000
    assert timeout_ms("--policy", "timeout=5m") == 5 * 60_000


def test_run_tells_lines_on_stderr_and_the_result_on_stdout(project: Path) -> None:
    """Not a terminal: plain lines, no control codes; exit 0."""
    done = orch("run", DEMO, cwd=project)
    assert done.returncode == 0
    assert re.fullmatch(r"✓ demo succeeded in \d+(\.\d)?m?s: 3 succeeded, 1 skipped\n", done.stdout)
    assert re.search(r"✓ build \d+(\.\d)?m?s  one file\n", done.stderr)
    assert "\x1b" not in done.stdout + done.stderr


def test_a_failed_run_says_what_why_and_what_next(project: Path) -> None:
    """Exit 1; the last lines of stderr; commands that work as they are printed."""
    done = orch("run", FAILING, cwd=project)
    assert done.returncode == 1
    assert "✗ bad exit 1 (attempt 2 of 2)" in done.stderr
    assert "✗ failing failed in" in done.stdout
    assert "✗ bad exit 1 after 2 attempts\n    │ no such thing\n" in done.stdout
    commands = re.findall(r"^  (orch \w+ last(?: \w+)?)  ", done.stdout, re.MULTILINE)
    assert commands == ["orch logs last bad", "orch status last", "orch resume last"]
    (project / "mended").touch()
    codes = [orch(*shlex.split(command)[1:], cwd=project).returncode for command in commands]
    assert codes == [0, 0, 0]


def test_run_as_json_prints_one_document(project: Path) -> None:
    """Nothing else on stdout; its paths lead to the files from the root."""
    done = orch("start", "demo", "--format", "json", cwd=project)
    result = json.loads(done.stdout)
    assert done.stdout.count("\n") == 1
    assert done.returncode == result["exit_code"] == 0
    assert result["status"] == "succeeded"
    assert result["task_id"] == "demo"
    assert result["stages"] == {"succeeded": 3, "skipped": 1}
    manifest = json.loads((project / result["manifest"]).read_text(encoding="utf-8"))
    assert manifest["run_id"] == result["run_id"]
    assert (project / result["log_path"]).name == "journal.jsonl"
    assert result["artifact_root"] == str(Path(result["manifest"]).parent / "artifacts")


def test_run_as_json_keeps_failures_on_stderr(project: Path) -> None:
    """A failed run's document says so; words are on stderr."""
    done = orch("run", FAILING, "--format", "json", cwd=project)
    assert done.returncode == json.loads(done.stdout)["exit_code"] == 1
    assert "✗ bad exit 1" in done.stderr


def test_run_as_jsonl_prints_one_event_a_line(project: Path) -> None:
    """The first is run:started with run id and manifest, the last run:summary; no gaps."""
    done = orch("run", DEMO, "--format", "jsonl", cwd=project)
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert (events[0]["seq"], events[0]["type"]) == (1, "run:started")
    assert {"run_id", "manifest"} <= set(events[0])
    assert events[-1]["type"] == "run:summary"
    numbers = [event["seq"] for event in events if event["type"] != "stage:output"]
    assert numbers == list(range(1, len(numbers) + 1))


def test_a_saved_plan_runs_as_it_is(project: Path) -> None:
    """The sources may be gone; the digest stays."""
    saved = orch("plan", DEMO, "--format", "json", cwd=project).stdout
    (project / "plan.json").write_text(saved, encoding="utf-8")
    (project / DEMO).unlink()
    done = orch("run", "plan.json", "--format", "json", cwd=project)
    assert done.returncode == 0
    status = json.loads(orch("status", "--format", "json", cwd=project).stdout)
    assert status["plan_digest"] == json.loads(saved)["digest"]
    (project / "plan.json").write_text(saved.replace("compiling", "conspiring"), encoding="utf-8")
    done = orch("run", "plan.json", cwd=project)
    assert done.returncode == 2
    assert "digest" in done.stderr


def test_dry_run_runs_nothing(project: Path) -> None:
    """The plan is shown, no run is made."""
    done = orch("run", DEMO, "--dry-run", "--format", "json", cwd=project)
    assert json.loads(done.stdout)["schema"] == "orch.plan/1"
    assert not (project / ".runs").exists()


def test_keep_going_goes_on(project: Path) -> None:
    """Stages that need nothing that failed are still run."""
    (project / "two.pipeline").write_text(
        "pipeline two { } policy { concurrency = 1 }\n"
        'stage a { run = "exit 1" } stage b { run = "true" }\n',
        encoding="utf-8",
    )
    one = orch("run", "two.pipeline", "--format", "json", cwd=project)
    both = orch("run", "two.pipeline", "--keep-going", "--format", "json", cwd=project)
    assert json.loads(one.stdout)["stages"] == {"failed": 1, "skipped": 1}
    assert json.loads(both.stdout)["stages"] == {"failed": 1, "succeeded": 1}


def test_the_last_screen_says_where_the_failures_are_that_it_leaves_out(project: Path) -> None:
    """Five are shown; the command that is named lists all."""
    (project / "seven.pipeline").write_text(
        'pipeline seven { }\nstage s { matrix { n = [1, 2, 3, 4, 5, 6, 7] } run = "exit 1" }\n',
        encoding="utf-8",
    )
    done = orch("run", "seven.pipeline", "--keep-going", cwd=project)
    assert "\n  and 2 more; `orch status -v last` lists all\n" in done.stdout
    assert orch("status", "-v", "last", cwd=project).stdout.count("exit 1\n") >= 7


def test_status_shows_the_run_and_its_json_is_the_manifest(project: Path) -> None:
    """Exit 0 whatever the status; a prefix or `last` will do."""
    run_id = json.loads(orch("run", FAILING, "--format", "json", cwd=project).stdout)["run_id"]
    drawn = orch("status", run_id[:-1], cwd=project)
    assert drawn.returncode == 0
    assert drawn.stdout.startswith("✗ failing failed in")
    assert re.search(r"\n  ○ after +skipped, another stage had failed\n", drawn.stdout)
    shown = json.loads(orch("status", "last", "--format", "json", cwd=project).stdout)
    file = json.loads((project / shown["manifest"]).read_text(encoding="utf-8"))
    assert {name: shown[name] for name in file if name not in {"events", "updated_at"}} == {
        name: value for name, value in file.items() if name not in {"events", "updated_at"}
    }


def test_logs_of_one_stream_are_the_bytes(project: Path) -> None:
    """One stream is bare; several have headlines; all attempts are there when asked for."""
    orch("run", FAILING, cwd=project)
    assert orch("logs", "last", "bad", "--stderr", cwd=project).stdout == "no such thing\n"
    both = orch("logs", "last", "bad", cwd=project).stdout
    assert both == (
        "== bad, attempt 2, stdout ==\none\n== bad, attempt 2, stderr ==\nno such thing\n"
    )
    assert orch("logs", "last", "bad", "--all", "--stdout", cwd=project).stdout.count("one\n") == 2
    listed = json.loads(orch("logs", "last", "--format", "json", cwd=project).stdout)["logs"]
    assert [log["stage"] for log in listed] == ["good", "bad", "bad"]


def test_an_attempt_that_never_was_is_refused(project: Path) -> None:
    """Exit 2, with how many there were; that one was silent is another thing."""
    orch("run", FAILING, cwd=project)
    for stage, said in (("bad", "`bad` had 2 attempts"), ("after", "`after` had none")):
        done = orch("logs", "last", stage, "--attempt", "3", cwd=project)
        assert (done.returncode, done.stdout) == (2, "")
        assert f"there was no attempt 3: {said}" in done.stderr


def test_resume_finishes_what_failed(project: Path) -> None:
    """Succeeded stages are kept; a run that succeeded is left alone, exit 0."""
    orch("run", FAILING, cwd=project)
    (project / "mended").touch()
    done = orch("resume", "last", "--format", "json", cwd=project)
    assert json.loads(done.stdout)["stages"] == {"succeeded": 3}
    again = orch("resume", "last", cwd=project)
    assert again.returncode == 0
    assert "nothing was run" in again.stderr


def test_cancel_of_what_has_ended_is_refused(project: Path) -> None:
    """Exit 2, and the status says why."""
    orch("run", DEMO, cwd=project)
    done = orch("cancel", "last", cwd=project)
    assert done.returncode == 2
    assert "has succeeded" in done.stderr


def test_explain_prints_pages_and_suggests(project: Path) -> None:
    """Every code is listed; an unknown one is exit 2 with a near miss."""
    for word in ("e0201", "201", "E201"):
        assert "# E0201" in orch("explain", word, cwd=project).stdout
    assert orch("explain", "W0201", cwd=project).returncode == 2
    assert orch("explain", cwd=project).stdout.count("\n") > 50
    wrong = orch("explain", "E0999", cwd=project)
    assert (wrong.returncode, wrong.stdout) == (2, "")


def test_schemas_are_printed(project: Path) -> None:
    """Each is a JSON Schema; an unknown one is exit 2."""
    names = orch("schema", cwd=project).stdout.split()
    assert {"plan", "manifest", "event", "state", "metrics"} <= set(names)
    schema = json.loads(orch("schema", "plan", cwd=project).stdout)
    assert schema["$schema"].startswith("https://json-schema.org/")
    assert orch("schema", "nope", cwd=project).returncode == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "Usage: orch"),
        (("frobnicate",), "no command `frobnicate`"),
        (("chekc",), "did you mean `check`?"),
        (("run",), "missing argument"),
        (("run", "nope"), "no pipeline of that name"),
        (("start", "x", "--root", "pipelines"), "`orch init` writes a first pipeline"),
        (("run", "dmo"), "did you mean `demo`?"),
        (("run", DEMO, "-p", "level"), "NAME=VALUE"),
        (("run", DEMO, "-p", "nope=1"), "help: its parameters are `level`"),
        (("run", FAILING, "-p", "nope=1"), "help: the file declares no parameters"),
        (("run", DEMO, "--params", "nope.toml"), "can't read `nope.toml`"),
        (("run", DEMO, "--task", ""), "Invalid task id"),
        (("run", DEMO, "-q", "-v"), "exclude each other"),
        (("run", DEMO, "--formt", "json"), "no option `--formt`; did you mean `--format`?"),
        (("--versoin",), "no option `--versoin`; did you mean `--version`?"),
        (("run", DEMO, "--policy", "timeout"), "For example --policy timeout=5m."),
        (("policy", DEMO, "--stage", "nope"), "`orch plan` shows the stages"),
        (("run", DEMO, "-j", "0"), "-j"),
        (("run", DEMO, "--root", "nowhere"), "nowhere"),
        (("run", DEMO, "--root", "pipelines/lib"), "pipelines/lib"),
        (("check", "/etc/hostname"), "outside the project root"),
        (("status",), "no run"),
        (("logs", "last"), "no run"),
        (("status", "../x"), "Invalid run id"),
    ],
)
def test_wrong_usage_is_exit_2_and_said_on_stderr(
    words: tuple[str, ...], said: str, project: Path
) -> None:
    """Nothing on stdout, no traceback, a message that names what is wrong."""
    done = orch(*words, cwd=project)
    assert done.returncode == 2
    assert done.stdout == ""
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("text", ["[policy", "policy = 3", "\xff", 'a = "' + "\\u" + '"'])
def test_a_broken_orch_toml_is_told_to_people(text: str, project: Path) -> None:
    """Exit 2, naming the file."""
    (project / "orch.toml").write_text(text, encoding="latin-1")
    done = orch("plan", DEMO, cwd=project)
    assert done.returncode == 2
    assert "orch.toml" in done.stderr


def test_a_missing_file_is_a_diagnostic(project: Path) -> None:
    """E0001, as every other thing that is wrong with sources."""
    done = orch("run", "nope.pipeline", "--format", "json", cwd=project)
    assert done.returncode == 2
    assert [d["code"] for d in json.loads(done.stdout)["diagnostics"]] == ["E0001"]


def test_the_root_is_found_upwards_and_moved_by_words(project: Path, tmp_path: Path) -> None:
    """`--root` beats ORCH_ROOT beats the nearest folder that looks like a root."""
    deep = project / "src" / "deep"
    deep.mkdir(parents=True)
    done = orch("start", "demo", "--format", "json", cwd=deep)
    assert (project / json.loads(done.stdout)["manifest"]).is_file()
    elsewhere = {"ORCH_ROOT": str(project)}
    assert orch("start", "demo", cwd=tmp_path, env=elsewhere).returncode == 0
    assert orch("start", "demo", cwd=tmp_path).returncode == 2
    empty = orch("start", "demo", cwd=tmp_path, env={"ORCH_ROOT": ""})
    assert empty.returncode == 2
    assert "ORCH_ROOT is empty" in empty.stderr
    over = orch("start", "demo", "--root", str(project), cwd=tmp_path, env={"ORCH_ROOT": "/nope"})
    assert over.returncode == 0


def test_help_fits_one_screen(project: Path) -> None:
    """A terminal of 24 rows of 80 columns, with a row left for the prompt; every command once."""
    shown = orch("--help", cwd=project).stdout
    lines = shown.splitlines()
    assert len(lines) <= 23
    assert max(map(len, lines)) <= 80
    named = [shown.count(f"  {name} {' ' * (10 - len(name))}") for name in COMMANDS]
    assert named == [1] * len(COMMANDS)


def test_version(project: Path) -> None:
    """One line."""
    assert re.fullmatch(r"orch \d+\.\d+\.\d+\n", orch("--version", cwd=project).stdout)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("run --jobs x a.pipeline", "`x` is no whole number from 1 to 1024"),
        ("run -j 0 a.pipeline", "`0` is no whole number from 1 to 1024"),
        ("gc --keep -1", "`-1` is no whole number from 0 on"),
        (f"gc --keep {2**63}", f"`{2**63}` is more than {2**63 - 1}, the largest number taken"),
        ("gc --keep 007", "`007` is no whole number from 0 on"),
        ("gc --older-than 30", "`30` has no unit; write for example 30d"),
        ("run --only", "option '--only' requires an argument"),
    ],
)
def test_a_number_that_is_none_is_named_in_our_words(
    words: str, message: str, project: Path
) -> None:
    """Also where an argument is missing: what is refused, and whose help says more."""
    done = orch(*words.split(), cwd=project)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert done.stderr.endswith(f"Try `orch {words.split(maxsplit=1)[0]} --help`.\n")
