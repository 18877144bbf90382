"""The command as a process among others: terminals, readers that go, signals, what it imports."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.orch_program import ORCH, orch, orch_in_terminal
from tests.cli.screen import Screen

HEAVY = (
    "lark", "jinja2", "pydantic", "filelock", "asyncio", "subprocess", "tempfile",
    "logging", "hashlib", "orch.dsl.lexer", "orch.compiler.compile",
)  # fmt: skip
# What a run of plain stages has no use for; the first takes as long as forty modules of orch.
UNUSED = (
    "typing", "collections", "contextlib", "ctypes", "enum", "functools", "json", "pathlib", "re",
    "signal",
    "shlex", "bisect", "encodings.ascii", "encodings.utf_8_sig", "orch.compiler.globs",
    "orch.dsl.diagnostics", "orch.dsl.decode", "orch.runtime.mask", "orch.runtime.artifacts",
    "orch.runtime.terminals", "orch.runtime.folders", "orch.cli.event_lines",
)  # fmt: skip
SLOW = """\
pipeline slow { }
stage wait { run = "echo begun; touch begun; sleep 60" grace = 5s }
finally clean { run = "touch cleaned" }
"""


def wait_until(is_true: Callable[[], bool], what: str) -> None:
    """Wait for something that other processes do, half a minute at most."""
    end = time.monotonic() + 30
    while not is_true():
        assert time.monotonic() < end, what
        time.sleep(0.02)


def test_in_a_terminal_a_run_is_drawn_and_leaves_a_clean_screen(project: Path) -> None:
    """A live block while it runs; at the end only lines that stay, and no mode changed."""
    (project / "pipelines" / "slower.pipeline").write_text(
        'pipeline slower { }\nstage one { run = "echo working; sleep 0.5" }\n', encoding="utf-8"
    )
    screen = Screen(80, 24)
    code, written = orch_in_terminal("start", "slower", cwd=project, screen=screen)
    assert code == 0
    assert re.search(r"one\x1b\[0m +\d+ms\x1b\[2m  working", written)
    assert "\x1b[?" not in written
    shown = screen.shown()
    assert shown[0].startswith("slower  1 stage  run ")
    assert re.fullmatch(r"✓ one \d+ms", shown[1])
    assert re.fullmatch(r"✓ slower succeeded in \d+ms: 1 succeeded", shown[3])
    assert shown[4:] == [""]


@pytest.mark.parametrize("env", [{"CI": "true"}, {"TERM": "dumb"}])
def test_ci_and_dumb_terminals_get_plain_lines(env: dict[str, str], project: Path) -> None:
    """No control code at all."""
    code, written = orch_in_terminal("start", "demo", cwd=project, screen=Screen(), env=env)
    assert code == 0
    assert "\x1b" not in written


def test_no_color_keeps_the_view_and_drops_the_colours(project: Path) -> None:
    """NO_COLOR concerns colours only; --color=always beats it."""
    env = {"NO_COLOR": "1"}
    _, plain = orch_in_terminal("start", "failing", cwd=project, screen=Screen(), env=env)
    assert not re.search(r"\x1b\[[0-9;]*m", plain)
    assert "\x1b[J" in plain
    words = ("start", "failing", "--color", "always")
    _, painted = orch_in_terminal(*words, cwd=project, screen=Screen(), env=env)
    assert "\x1b[31m" in painted


def test_a_locale_without_utf8_gets_ascii(project: Path) -> None:
    """Marks are words then, whatever the sources hold."""
    for locale in ("C", "en_US.ISO-8859-1"):
        done = orch("start", "failing", cwd=project, env={"LC_ALL": locale})
        assert done.returncode == 1
        assert (done.stdout + done.stderr).isascii()
        assert "FAILED bad exit 1" in done.stderr


def test_a_reader_that_goes_away_never_stops_a_run(project: Path) -> None:
    """`orch run … | head -1`: every stage is run, and the exit code is what they deserve."""
    for words in (("--format", "jsonl"), ("--format", "json"), ()):
        reader, end = os.pipe()
        process = subprocess.Popen(
            [*ORCH, "start", "demo", *words], cwd=project, stdout=end, stderr=end
        )
        os.close(end)
        os.close(reader)
        assert process.wait(60) == 0
        status = json.loads(orch("status", "--format", "json", cwd=project).stdout)
        assert status["status"] == "succeeded"


def test_a_reader_that_only_waits_never_stops_a_run(project: Path) -> None:
    """More events than a pipe holds, and nobody reads until the run has ended."""
    stages = "".join(f'stage s{number} {{ run = ["true"] }}\n' for number in range(300))
    (project / "many.pipeline").write_text(f"pipeline many {{ }}\n{stages}", encoding="utf-8")
    words = [*ORCH, "run", "many.pipeline", "--format", "jsonl"]
    with subprocess.Popen(words, cwd=project, stdout=subprocess.PIPE) as process:

        def has_ended() -> bool:
            done = orch("status", "--format", "json", cwd=project)
            return done.returncode == 0 and json.loads(done.stdout)["status"] == "succeeded"

        wait_until(has_ended, "the run hangs on its reader")
        assert process.stdout is not None
        lines = process.stdout.read().splitlines()
    assert json.loads(lines[-1])["type"] == "run:summary"
    assert len(lines) > 900


def test_a_full_stdout_is_told_and_exit_3(project: Path) -> None:
    """What can't be written for another reason than the reader is not passed over."""
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*ORCH, "plan", "pipelines/demo.pipeline"],
            cwd=project, stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 3
    assert "can't write to stdout" in done.stderr


def test_closed_standard_streams_hurt_no_file(project: Path) -> None:
    """Without stdin, stdout and stderr the run's own files stay clean."""
    script = f"exec {' '.join(ORCH)} start demo <&- >&- 2>&-"
    assert subprocess.run(["sh", "-c", script], cwd=project, check=False).returncode == 0
    journal = next(project.glob(".runs/demo/cli/*/journal.jsonl")).read_text(encoding="utf-8")
    assert all(json.loads(line)["seq"] for line in journal.splitlines())


def test_a_run_is_cancelled_from_elsewhere(project: Path) -> None:
    """`orch cancel` ends it as SIGTERM does: `finally` runs, exit 143; while it ran, it was
    `running` and could not be resumed."""
    (project / "slow.pipeline").write_text(SLOW, encoding="utf-8")
    with subprocess.Popen([*ORCH, "run", "slow.pipeline", "-q"], cwd=project) as process:
        wait_until((project / "begun").exists, "the stage never began")
        status = json.loads(orch("status", "--format", "json", cwd=project).stdout)
        assert status["status"] == "running"
        assert status["owner"]["pid"] == process.pid
        assert orch("resume", "last", cwd=project).returncode == 2
        asked = orch("cancel", "last", "--format", "json", cwd=project)
        assert json.loads(asked.stdout)["pid"] == process.pid
        assert process.wait(30) == 143
    assert (project / "cleaned").exists()
    assert orch("cancel", "last", cwd=project).returncode == 2


def test_a_killed_run_is_lost_and_cancel_says_how_to_go_on(project: Path) -> None:
    """Its owner is gone: `lost`; cancel is refused and names resume."""
    (project / "slow.pipeline").write_text(SLOW, encoding="utf-8")
    with subprocess.Popen([*ORCH, "run", "slow.pipeline", "-q"], cwd=project) as process:
        wait_until((project / "begun").exists, "the stage never began")
        process.kill()
    assert json.loads(orch("status", "--format", "json", cwd=project).stdout)["status"] == "lost"
    assert "lost" in orch("status", cwd=project).stdout
    done = orch("cancel", "last", cwd=project)
    assert done.returncode == 2
    assert "orch resume" in done.stderr


def test_ctrl_c_ends_a_run_with_130(project: Path) -> None:
    """SIGINT, once: running stages are ended, `finally` runs."""
    (project / "slow.pipeline").write_text(SLOW, encoding="utf-8")
    process = subprocess.Popen(
        [*ORCH, "run", "slow.pipeline"], cwd=project,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    wait_until((project / "begun").exists, "the stage never began")
    process.send_signal(signal.SIGINT)
    told, lines = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "slow cancelled in" in told
    assert "the run is being ended" in lines


def test_logs_in_a_terminal_are_harmless(project: Path) -> None:
    """What a stage wrote to clear the screen is spelled out there, and raw elsewhere."""
    (project / "evil.pipeline").write_text(
        "pipeline evil { }\n"
        'stage loud { run = """\n  printf \'\\033[2J\\033[31mred\\033[0m\\n\'\n""" }\n',
        encoding="utf-8",
    )
    orch("run", "evil.pipeline", cwd=project)
    assert orch("logs", "last", "loud", cwd=project).stdout == "\x1b[2J\x1b[31mred\x1b[0m\n"
    screen = Screen()
    code, _ = orch_in_terminal("logs", "last", "loud", cwd=project, screen=screen)
    assert code == 0
    assert screen.shown() == ["^[[2Jred", ""]


@pytest.mark.parametrize(
    ("words", "unused"),
    [
        (("start", "demo"), HEAVY + UNUSED),
        (("check", "pipelines/demo.pipeline", "--no-shellcheck"), HEAVY),
    ],
)
def test_plain_words_on_unchanged_sources_import_nothing_heavy(
    words: tuple[str, ...], unused: tuple[str, ...], project: Path
) -> None:
    """Some of these cost more than the whole rest; the others are a tenth of a run together."""
    assert orch(*words, cwd=project).returncode == 0
    program = (
        f"import sys; from orch.cli.main import main; code = main([*{words}, '-q']);"
        f"print([name for name in {unused!r} if name in sys.modules], code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=project, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[] 0"


def test_the_installed_command_is_started_without_regular_expressions() -> None:
    """pip writes such start scripts from 25.2 on, so `make` installs a pip that does."""
    script = Path(sys.executable).with_name("orch").read_text(encoding="utf-8")
    assert "import re" not in script.splitlines()


def test_a_check_of_unchanged_sources_says_what_the_first_one_said(project: Path) -> None:
    """Lints come from the cache, with their excerpts; errors are found anew each time."""
    file = project / "pipelines" / "demo.pipeline"
    file.write_text('let unused = 1\npipeline demo { }\nstage a { run = "true" }\n')
    first, second = (orch("check", str(file), cwd=project) for _ in range(2))
    assert "W0701" in first.stdout
    assert (first.stdout, first.returncode) == (second.stdout, second.returncode)
    file.write_text(file.read_text() + "stage a { }\n")
    for _ in range(2):
        broken = orch("check", str(file), cwd=project)
        assert broken.returncode == 2
        assert "E0202" in broken.stdout
        assert "E0403" in broken.stdout


def test_a_bug_of_ours_is_one_line_and_exit_3(project: Path) -> None:
    """Never a traceback, unless ORCH_DEBUG asks for it."""
    program = (
        "import sys, orch.dsl.catalogue as c; c.page = lambda code: 1 / 0;"
        "from orch.cli.main import main; sys.exit(main(['explain', 'E0201']))"
    )

    def run(**env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", program],
            cwd=project, env=os.environ | env, capture_output=True, text=True, check=False,
        )  # fmt: skip

    done = run()
    assert done.returncode == 3
    assert done.stderr.startswith("orch failed inside: ZeroDivisionError: division by zero (at ")
    assert "Traceback" not in done.stderr
    assert "Traceback" in run(ORCH_DEBUG="1").stderr
