"""Completion: what may come next on a line, and bash, typed to as a person types."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from orch.cli.candidates import VALUES
from orch.cli.commands import COMMANDS, load_command
from orch.cli.completing import complete
from tests.cli.completion_project import TYPED, completion_project
from tests.cli.orch_program import orch
from tests.cli.shell_session import ShellSession

FREE = {
    "attempt": "a number",
    "cache_size": "a size",
    "command": "what `orch exec` starts",
    "jobs": "a number",
    "keep": "a number",
    "limit": "a number",
    "older_than": "a duration",
    "runs_size": "a size",
    "timeout": "a duration",
    "init.name": "a new name",
    "completion.words": "words of another line",
}
"""Parameters whose values nobody can list, and what they are."""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    return completion_project(tmp_path_factory.mktemp("completion"))


@pytest.fixture
def here(project: tuple[Path, dict[str, str]], monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(project[0])
    return project[0]


def texts(line: str) -> list[str]:
    """The candidates for the last word of a line, which may be empty."""
    return [candidate.text for candidate in complete(line.split(" "))]


def test_every_parameter_is_completed_or_free() -> None:
    """Whatever a command takes is listed in one table or in the other, and in no vain."""
    used = set()
    for name in COMMANDS:
        for parameter in load_command(name).params:
            is_flag = isinstance(parameter, click.Option) and parameter.is_flag
            if is_flag or isinstance(parameter.type, click.Choice):
                continue
            keys = {f"{name}.{parameter.name}", parameter.name} & {*VALUES, *FREE}
            assert keys, f"orch {name}: {parameter.name}"
            used |= keys
    assert ({*VALUES, *FREE} - used) <= {"command"}


def test_no_file_is_proposed_as_an_option(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that begins with a dash is a path; behind a folder it needs nothing."""
    for folder in (tmp_path, tmp_path / "in"):
        (folder / "-d").mkdir(parents=True)
        (folder / "-x.pipeline").touch()
    monkeypatch.chdir(tmp_path)
    assert texts("check ") == ["./-d/", "./-x.pipeline", "in/"]
    assert texts("check in/") == ["in/-d/", "in/-x.pipeline"]


@pytest.mark.usefixtures("here")
def test_what_comes_next_is_what_the_command_knows() -> None:
    """Of each kind one line; what was given before counts."""
    assert texts("")[:2] == ["run", "start"]
    assert texts("-") == ["--help", "--version"]
    assert texts("run main --f") == ["--from", "--force", "--format"]
    assert "--force" not in texts("run main --force --")
    assert "--param" in texts("run main -p level=full --")
    assert texts("run ") == ["main", "out/", "pipelines/"]
    assert texts("run main -p ") == ["level=", "clean=", "source="]
    assert texts("run main -p level=") == ["level=quick", "level=full"]
    assert texts("run main --from ") == [
        "build", "test", "test[python=3.11]", "test[python=3.12]", "lint",
    ]  # fmt: skip
    assert texts("policy pipelines/main.pipeline --stage li") == ["lint"]
    assert texts("logs last te") == ["test[python=3.11]", "test[python=3.12]"]
    assert texts("why bu") == ["build"]
    assert texts("why last bu") == ["build"]
    assert texts("runs --task ") == ["main"]
    assert texts("exec -- ") == []
    assert texts("exec --secret PAT") == ["PATH"]
    run_id = texts("status ")[1]
    assert texts(f"status {run_id[:8]}") == [run_id]
    assert complete(["status", "last"])[0].about == "the newest run"
    assert complete(["status", run_id])[0].about == "main succeeded"


def test_a_line_that_makes_no_sense_has_no_candidates(here: Path, tmp_path: Path) -> None:
    """Nothing on stdout or stderr, exit 0: nobody wants an error in the middle of a line."""
    (tmp_path / "broken.pipeline").write_text("pipeline p {\nstage a", "utf-8")
    (tmp_path / "bytes.pipeline").write_bytes(b"\xff\xfe")
    for number, line in enumerate((
        "frobnicate x", "run nope -p ", "run bytes.pipeline --only ", "logs 1999 x",
        "run --root nowhere ", "why a b c", "check --params nowhere/",
    )):  # fmt: skip
        shell = ("bash", "zsh", "fish")[number % 3]
        done = orch("completion", shell, "--", *line.split(" "), cwd=tmp_path)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), line
    done = orch("completion", "fish", "--", "run", "broken.pipeline", "--only", "", cwd=tmp_path)
    assert done.stdout in ("", "a\n")


def test_nothing_heavy_is_imported_for_a_candidate(here: Path) -> None:
    """A person waits for it: neither pydantic nor Jinja, and the parser only for a file."""
    program = (
        "import sys; from orch.cli.main import main\n"
        "main(sys.argv[1:])\n"
        "heavy = {'pydantic', 'jinja2', 'lark', 'asyncio', 'pygls'} & set(sys.modules)\n"
        "sys.exit(', '.join(heavy) or 0)\n"
    )
    for line in ("r", "run ", "run main --fo", "logs last ", "explain E02"):
        words = [sys.executable, "-c", program, "completion", "bash", "--", *line.split(" ")]
        done = subprocess.run(words, cwd=here, capture_output=True, check=False, encoding="utf-8")
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout


BASH = (
    "PS1='$ '; bind 'set enable-bracketed-paste off'; bind 'set bell-style none'; "
    "show() { printf '<<%s%s>>>' '<' \"$READLINE_LINE\"; }; "
    "bind -x '\"\\C-x\\C-p\": show'; bind '\"\\C-x*\": insert-completions'; "
    'eval "$(orch completion bash)"'
)


@pytest.fixture(scope="module")
def bash(project: tuple[Path, dict[str, str]]) -> Iterator[ShellSession]:
    folder, environment = project
    argv = ["/bin/bash", "--norc", "--noprofile", "-i"]
    with ShellSession(argv, folder, environment, BASH) as session:
        yield session


def test_bash_completes_as_one_types(bash: ShellSession) -> None:
    """Words with `=` in them too, which bash takes apart; files and stages with their quotes."""
    more = {
        "orch run main --only test\\[python=3.1": "orch run main --only test\\[python=3.1",
        "orch run main --only 'test[python=3.11": "orch run main --only 'test[python=3.11]' ",
        "FOO=1 orch com": "FOO=1 orch completion ",
        "true; orch com": "true; orch completion ",
        "orch frob": "orch frob",
    }
    assert {line: bash.completed(line) for line in TYPED | more} == TYPED | more


def test_bash_is_given_all_that_may_come(bash: ShellSession) -> None:
    """Escaped where the shell would take them for something else, in their order."""
    line = bash.completed("orch run main --from te", "\x18*")
    assert line.split() == [
        "orch", "run", "main", "--from", "test", "test\\[python=3.11\\]", "test\\[python=3.12\\]",
    ]  # fmt: skip
    assert bash.completed("orch run main -p level=", "\x18*").endswith("level=quick full ")
