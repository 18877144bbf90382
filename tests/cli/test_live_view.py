"""A run as a person sees it: the real command in a terminal emulator, in windows of all kinds."""

import os
import re
import signal
from pathlib import Path

import pytest

from tests.cli.emulator import Emulator, orch_window
from tests.cli.orch_program import ORCH

HELD = """\
pipeline held { }
policy { concurrency = 2 }
pool db { slots = 1 }
stage first { pool = db run = "echo 'waiting for go'; until test -e go; do sleep 0.02; done" }
stage second { pool = db run = "true" }
stage third { needs = [first] run = "true" }
stage fourth { needs = [first] run = "true" }
stage last { needs = [third] run = "true" }
"""

FAILING = """\
pipeline failing { }
policy { fail_fast = false }
stage bad {
  matrix { n = [{{ numbers }}] }
  run = "for n in 1 2 3 4 5 6 7 8; do echo line $n of {{ matrix.n }} >&2; done; exit 3"
}
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "orch.toml").touch()
    return tmp_path


def write(root: Path, text: str) -> None:
    name = text.split()[1]
    (root / f"{name}.pipeline").write_text(text, encoding="utf-8")


def test_the_block_tells_what_runs_and_what_waits_for_what(root: Path) -> None:
    """Pools and needs, those that wait for the same in one line; nothing of it stays."""
    write(root, HELD)
    with orch_window("run", "held.pipeline", cwd=root) as window:
        window.wait_for("waiting for go")
        shown = window.wait_for("1 running, 4 waiting")
        assert re.fullmatch(r"⠋? ?. first + [\d.]+m?s  waiting for go", shown[1])
        assert [line.split(maxsplit=2)[1:] for line in shown[2:4]] == [
            ["second", "waits for a slot of pool `db`"],
            ["third", "and 1 more wait for `first`"],
        ]
        (root / "go").touch()
        assert window.finish() == 0
        shown = window.lines()
    ended = sorted(line.split()[1] for line in shown[1:6])
    assert ended == ["first", "fourth", "last", "second", "third"]
    assert not any("wait" in line for line in shown)


def test_status_tells_the_same_from_elsewhere(root: Path) -> None:
    """What each stage waits for, and how long those run that do."""
    write(root, HELD + 'finally sweep { run = "true" }\n')
    with orch_window("run", "held.pipeline", cwd=root) as window:
        window.wait_for("1 running, 5 waiting")
        with orch_window("status", cwd=root, columns=90) as other:
            assert other.finish() == 0
            rows = {line.split()[1]: line.split(maxsplit=2)[2:] for line in other.lines()[6:12]}
        assert re.fullmatch(r"[\d.]+m?s  running", rows.pop("first")[0])
        assert rows == {
            "second": ["waits for a slot of pool `db`"],
            "third": ["waits for `first`"],
            "fourth": ["waits for `first`"],
            "last": ["waits for `third`"],
            "sweep": ["comes when all else has ended"],
        }
        window.press("\x03")
        assert window.finish() == 130


def test_how_much_is_left_is_told_from_earlier_runs(root: Path) -> None:
    """Nothing in the first run; in the second, what the first one took."""
    write(root, HELD)
    for is_known in (False, True):
        (root / "go").unlink(missing_ok=True)
        with orch_window("run", "held.pipeline", cwd=root) as window:
            window.wait_for(r"waiting +[1-9]\d*\.\ds" + ("  .* left$" if is_known else "$"))
            (root / "go").touch()
            assert window.finish() == 0
            assert (b" left" in window.written) is is_known


def test_the_last_screen_fits_the_window(root: Path) -> None:
    """Of five failures in a window of 24 rows: how it ended, each of them, and what to type."""
    write(root, FAILING.replace("{{ numbers }}", "1, 2, 3, 4, 5"))
    with orch_window("run", "failing.pipeline", cwd=root) as window:
        assert window.finish() == 1
        shown = window.window()
    assert shown.index(next(line for line in shown if "failing failed in" in line)) >= 0
    assert [line for line in shown if line.startswith("  ✗ bad[n=")] == [
        f"  ✗ bad[n={n}] exit 3" for n in range(1, 6)
    ]
    assert [line for line in shown if "│ line" in line][-1] == "    │ line 8 of 5"
    assert any("orch resume last" in line for line in shown)


def test_who_redirects_stdout_sees_the_last_screen_too(root: Path) -> None:
    """In the window, and in the file without a control code; through a pipe it comes but once, for
    who reads the pipe may write to the window too."""
    write(root, FAILING.replace("{{ numbers }}", "1"))
    command = f"{' '.join(ORCH)} run failing.pipeline > said"
    with Emulator("/bin/sh", "-c", command, cwd=root, CI="") as window:
        assert window.finish() == 1
        shown = window.lines()
    said = (root / "said").read_text(encoding="utf-8").splitlines()
    assert "\x1b" not in "".join(said)
    assert any(line.startswith("✗ failing failed in") for line in said)
    assert said == shown[-len(said) :]
    with Emulator("/bin/sh", "-c", command.replace("> said", "| cat"), cwd=root, CI="") as window:
        assert window.finish() == 0
        assert sum("failing failed in" in line for line in window.lines()) == 1


@pytest.mark.parametrize("columns", [20, 26])
def test_a_narrow_window_is_enough(columns: int, root: Path) -> None:
    """The block is cut to one row a line and leaves nothing; counts are short, and the time that
    a stage runs is seen."""
    write(root, HELD.replace("first", "first-of-all-others"))
    with orch_window("run", "held.pipeline", cwd=root, columns=columns, rows=12) as window:
        shown = window.wait_for(r"▸1 ·4")
        assert sum(re.match(r". f.*s  *[\d.]+m?s", line) is not None for line in shown) == 1
        (root / "go").touch()
        assert window.finish() == 0
        assert not any("▸" in line for line in window.lines())


def test_reasons_are_cut_to_the_window(root: Path) -> None:
    """In `orch runs` a run is one line, however long the name of what failed."""
    names = ", ".join(f'"{number}-{"x" * 30}"' for number in range(3))
    write(root, FAILING.replace("{{ numbers }}", names))
    with orch_window("run", "-q", "failing.pipeline", cwd=root) as window:
        assert window.finish() == 1
    with orch_window("runs", cwd=root, columns=80) as window:
        assert window.finish() == 0
        (line,) = window.lines()
    assert line.endswith("…")


def test_a_window_that_changes_its_size_is_left_clean(root: Path) -> None:
    """Made wider and higher, then lower, while the run goes on."""
    write(root, HELD)
    with orch_window("run", "held.pipeline", cwd=root, columns=60, rows=10) as window:
        window.wait_for("1 running, 4 waiting")
        window.resize(100, 30)
        window.wait_for("1 running, 4 waiting")
        window.resize(100, 6)
        window.wait_for("1 running, 4 waiting")
        (root / "go").touch()
        assert window.finish() == 0
        lines = window.lines()
    assert sum("first" in line for line in lines) == 1
    assert not any("running" in line for line in lines)


def test_what_a_shell_writes_while_a_run_is_stopped_stays(root: Path) -> None:
    """Ctrl-Z, some other command, `fg`: the block is drawn below, and nothing is erased but it."""
    write(root, HELD)
    with orch_window("run", "held.pipeline", cwd=root) as window:
        window.wait_for("1 running, 4 waiting")
        os.kill(window.pid, signal.SIGSTOP)
        os.waitpid(window.pid, os.WUNTRACED)
        window.write_beside("\n[1]+ Stopped\n$ ls\nheld.pipeline\n$ fg\n")
        os.kill(window.pid, signal.SIGCONT)
        window.wait_for(r"\$ fg")
        (root / "go").touch()
        assert window.finish() == 0
        lines = window.lines()
    begin = lines.index("[1]+ Stopped")
    assert lines[begin : begin + 4] == ["[1]+ Stopped", "$ ls", "held.pipeline", "$ fg"]
    assert sum("running" in line for line in lines) == 1


def test_a_window_without_utf8_gets_ascii(root: Path) -> None:
    """Block, marks and excerpts, in the C locale; a name that isn't ASCII is spelled out."""
    write(root, HELD.replace("stage first {", 'stage first { title = "Prüfung"'))
    with orch_window("run", "held.pipeline", cwd=root, LC_ALL="C") as window:
        window.wait_for("waiting for go")
        shown = window.wait_for("1 running, 4 waiting")
        assert re.match(r"[-|/\\] Pr\\xfcfung +[\d.]+m?s  waiting for go", shown[1])
        (root / "go").touch()
        assert window.finish() == 0
        assert window.written.isascii()


def test_what_is_spelled_out_fits_the_window_too(root: Path) -> None:
    """Six characters for one that the window lacks: its line is cut, and no frame stays."""
    text = "漢字" * 20
    write(root, HELD.replace("stage first {", f'stage first {{ title = "{text}"'))
    with orch_window("run", "held.pipeline", cwd=root, LC_ALL="C") as window:
        window.wait_for("waiting for go")
        shown = window.wait_for("1 running, 4 waiting")
        assert re.match(r"[-|/\\] \\u6f22\S+ +[\d.]+m?s  waiting for go", shown[1])
        window.wait_for(r" [1-9][\d.]*s$")
        (root / "go").touch()
        assert window.finish() == 0
        lines = window.lines()
    assert not any("waiting for go" in line for line in lines)


def test_an_interrupt_is_told_and_obeyed(root: Path) -> None:
    """Ctrl-C in the window: what is going on is said, and the block is gone at the end."""
    write(root, HELD)
    with orch_window("run", "held.pipeline", cwd=root) as window:
        window.wait_for("1 running, 4 waiting")
        window.press("\x03")
        window.wait_for("the run is being ended: cancelled")
        assert window.finish() == 130
        lines = window.lines()
    assert any(line.startswith("■ held cancelled in") for line in lines)
    assert not any("running" in line for line in lines)


def test_of_a_large_run_only_what_matters_stays(root: Path) -> None:
    """Of 300 stages those that fail, or have something to say, get a line; the others a count."""
    write(
        root,
        """pipeline large { }
        policy { fail_fast = false }
        stage many { matrix { n = {{ range(300) }} } run = ["true"] }
        stage told { summary = "42 pages" run = "true" }
        stage broken { allow_failure = true run = "exit 7" }
        """,
    )
    with orch_window("run", "large.pipeline", cwd=root) as window:
        assert window.finish() == 0
        lines = window.lines()
    assert not any("many" in line for line in lines)
    broken, told = sorted(lines[1:3], key=lambda line: "told" in line)
    assert re.fullmatch(r"✓ told \S+  42 pages", told)
    assert broken.startswith("✗ broken exit 7, which is allowed")
    assert lines[-1].endswith("301 succeeded, 1 failed")


def test_on_github_the_lines_of_a_run_are_a_group(root: Path) -> None:
    """Opened by the headline, closed before the last screen, which stays unfolded."""
    write(root, FAILING.replace("{{ numbers }}", "1"))
    for quiet in ((), ("-q",)):
        words = ("run", "failing.pipeline", *quiet)
        with orch_window(*words, cwd=root, CI="true", GITHUB_ACTIONS="true") as window:
            assert window.finish() == 1
            lines = window.lines()
        if quiet:
            assert not any(line.startswith(("::group", "::end")) for line in lines)
        else:
            assert lines[0].startswith("::group::failing  1 stage  run ")
            end = lines.index("::endgroup::")
            assert lines[1].startswith("✗ bad[n=1] exit 3")
            assert any(line.startswith("✗ failing failed in") for line in lines[end + 1 :])
