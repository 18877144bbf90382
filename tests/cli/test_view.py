"""The views of a run: what stays, what is redrawn, and what no name or output can do to them."""

import codecs
import fcntl
import os
import pty
import struct
import termios
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orch.cli.live_view import FRAME_S, LiveView
from orch.cli.outcome_text import name_text
from orch.cli.progress import Progress
from orch.cli.terminal import Terminal
from orch.cli.view import PlainView
from orch.cli.writer import Writer
from orch.compiler.plan import Plan
from orch.dsl.record import changed
from orch.runtime.events import (
    AttemptFigures,
    Payload,
    RunCancelling,
    RunEvent,
    RunStarted,
    ServiceReady,
    ServiceStarted,
    StageCompleted,
    StageOutput,
    StageRetrying,
    StageStarted,
)
from orch.runtime.states import StageStatus
from tests.cli.made_plans import make_plan, make_stage
from tests.cli.screen import Screen

PLAN = make_plan(
    make_stage("build", attempts=3),
    make_stage("lint"),
    make_stage("test[suite=db]", needs=("build",)),
    make_stage("deploy", needs=("test[suite=db]",)),
)
OK = AttemptFigures(exit_code=0, duration_ms=2100)
BAD = AttemptFigures(exit_code=1, duration_ms=340)


class Stage:
    """A pseudo-terminal, a view that draws in it, and the screen that a person sees."""

    def __init__(self, plan: Plan = PLAN, columns: int = 80, rows: int = 24, **look: bool) -> None:
        self.master, self.slave = pty.openpty()
        self.resize(columns, rows)
        self.screen = Screen(columns, rows)
        self.decoder = codecs.getincrementaldecoder("utf-8")()
        self.now = 100.0
        self.frames = 0
        os.set_blocking(self.master, False)
        terminal = Terminal(
            self.slave, is_terminal=True, is_live=True, has_color=look.get("has_color", True)
        )
        if not look.get("has_unicode", True):
            terminal = replace(terminal, has_unicode=False, encoding="ascii")
        progress = Progress(plan, lambda: self.now)
        self.view = LiveView(progress, terminal, Writer(self.slave), 0, lambda: self.now)

    def resize(self, columns: int, rows: int) -> None:
        size = struct.pack("HHHH", rows, columns, 0, 0)
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, size)

    def tell(self, *payloads: Payload) -> None:
        for payload in payloads:
            self.view(RunEvent(1, "2026-11-22T09:55:41.431Z", payload))
            self.read()

    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.view.tick()
        self.read()

    def look(self) -> list[str]:
        """What is on the screen."""
        self.read()
        return self.screen.shown()

    def read(self) -> None:
        try:
            while data := os.read(self.master, 1 << 16):
                self.frames += 1
                self.screen.feed(self.decoder.decode(data))
        except BlockingIOError:
            pass

    def close(self) -> None:
        os.close(self.master)
        os.close(self.slave)


@pytest.fixture
def stage() -> Iterator[Stage]:
    made = Stage()
    yield made
    made.close()


def completed(stage_id: str, status: StageStatus, figures: AttemptFigures = OK) -> StageCompleted:
    reason = "failure" if status is StageStatus.FAILED else None
    return StageCompleted(stage_id, status, reason, 1, figures)


def test_the_block_says_what_runs_and_counts(stage: Stage) -> None:
    """Each running stage with its time, attempt and last line; below them the counts."""
    stage.tell(
        StageStarted("build", 2, "stages/0000-build/2"),
        StageStarted("lint", 1, "stages/0001-lint/1"),
        StageOutput("build", 2, "stdout", "compiling 1\ncompiling 2"),
    )
    stage.wait(61)
    assert [line[1:] for line in stage.look()[:3]] == [
        " build            1m 1s  attempt 2 of 3  compiling 2",
        " lint             1m 1s",
        " test[suite=db]  waits for `build`",
    ]
    assert stage.look()[3] == "  2 running, 2 waiting  1m 1s"


def test_a_service_is_shown_to_be_ready_or_not_yet() -> None:
    """In the block while it is up; a line stays when it is ready, and one when it has stopped."""
    stage = Stage(make_plan(make_stage("db", kind="service"), make_stage("test", needs=("db",))))
    try:
        stage.tell(ServiceStarted("db", 1, ""), StageOutput("db", 1, "stderr", "opening"))
        stage.wait(3)
        assert stage.look()[:3] == [
            "⠋ db      3.0s  not ready yet  opening",
            "· test  waits until `db` is ready",
            "  1 running, 1 waiting  3.0s",
        ]
        stage.tell(ServiceReady("db", 1, 3000))
        stage.wait(1)
        assert stage.look()[:2] == ["▸ db is ready 3.0s", "⠙ db    4.0s  ready  opening"]
        stage.tell(completed("db", StageStatus.SUCCEEDED))
        stage.wait(1)
        assert stage.look()[:2] == ["▸ db is ready 3.0s", "✓ db stopped 2.1s"]
    finally:
        stage.close()


@pytest.mark.parametrize(
    ("ready", "said"),
    [
        ({"kind": "tcp", "port": 5433}, "not ready until port 5433 answers"),
        ({"kind": "http", "url": "http://localhost:8/up"}, "not ready until http://localhost:8/up"),
        ({"kind": "exec", "argv": ("pg_isready", "-h", "a b")}, "until `pg_isready -h 'a b'` suc"),
        ({"kind": "exec", "argv": ("/bin/sh", "-eu", "-c", "test -e up")}, "`test -e up` succeeds"),
        ({"kind": "log", "text": "listening\x1b[2J"}, "until it writes `listening^[[2J`"),
    ],
)
def test_of_a_service_it_is_said_what_is_missing(ready: dict[str, Any], said: str) -> None:
    """By its probe, and harmless in a terminal."""
    stage = Stage(make_plan(make_stage("db", kind="service", ready=ready)), columns=100)
    stage.tell(ServiceStarted("db", 1, ""))
    stage.wait(1)
    assert said in stage.look()[0]
    stage.close()


def test_what_ended_stays_and_the_block_leaves_nothing(stage: Stage) -> None:
    """After the end only lines that stay are on the screen, in the order of events."""
    stage.tell(StageStarted("build", 1, ""), StageStarted("lint", 1, ""))
    stage.wait(1)
    failed = completed("lint", StageStatus.FAILED, BAD)
    stage.tell(completed("build", StageStatus.SUCCEEDED))
    stage.wait(1)
    stage.tell(replace(failed, stderr_excerpt="first\nsecond: no such thing\n"))
    stage.wait(1)
    stage.view.close()
    assert stage.look() == [
        "✓ build 2.1s",
        "✗ lint exit 1 340ms",
        "  │ first",
        "  │ second: no such thing",
        "",
    ]


def test_what_failed_stays_in_sight_while_the_run_goes_on(stage: Stage) -> None:
    """The block names it, whatever has scrolled past since, but no failure that is allowed."""
    stage.tell(completed("lint", StageStatus.FAILED, BAD), StageStarted("build", 1, ""))
    stage.wait(1)
    assert stage.look()[1:] == [
        "⠙ build             1.0s",
        "· test[suite=db]  waits for `build`",
        "✗ lint failed",
        "  1 failed, 1 running, 2 waiting  1.0s",
    ]
    ids = [f"s{number}" for number in range(6)]
    many = Stage(make_plan(*map(make_stage, ids[1:]), make_stage("s0", allow_failure=True)))
    many.tell(*(completed(stage_id, StageStatus.FAILED, BAD) for stage_id in ids))
    many.wait(1)
    assert many.look()[-2] == "✗ s1, s2, s3 and 2 more failed"
    many.close()


def test_at_most_ten_frames_a_second(stage: Stage) -> None:
    """A thousand events and ticks in one second make no more than ten frames and a bit."""
    stage.wait(0)
    before = stage.frames
    for number in range(1000):
        stage.tell(StageOutput("build", 1, "stdout", f"line {number}"))
        stage.wait(0.001)
    assert stage.frames - before <= 1 / FRAME_S + 1


def test_what_is_drawn_does_not_grow_with_the_plan() -> None:
    """Of 10,000 stages that simply succeed, no frame says more than of 300: what is written is
    bounded by the frames, not by the events."""
    written = {}
    for size in (300, 10_000):
        stage = Stage(make_plan(*(make_stage(f"s{number:05}") for number in range(size))))
        stage.wait(1)
        before = stage.screen.taken
        for number in range(size):
            stage.now += 1 / size
            stage.tell(StageStarted(f"s{number:05}", 1, ""))
            stage.tell(completed(f"s{number:05}", StageStatus.SUCCEEDED))
            stage.wait(0)
        written[size] = stage.screen.taken - before
        stage.view.close()
        assert stage.look() == [""]
        stage.close()
    assert written[10_000] < 1.5 * written[300] < 1.5 * 11 * 1000


def test_a_retry_is_told_and_waited_for(stage: Stage) -> None:
    """The failed attempt gets its line; the block counts the wait down."""
    stage.tell(StageStarted("build", 1, ""), StageRetrying("build", 1, 400, "failure", BAD, None))
    stage.wait(0.15)
    shown = stage.look()
    assert shown[0] == "↻ build exit 1 (attempt 1 of 3), again in 400ms"
    assert shown[1].endswith("failed, again in 250ms")


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(min_size=1), st.text(), st.text(), st.integers(2, 120), st.integers(1, 40))
def test_no_name_or_output_moves_the_cursor(
    name: str, line: str, excerpt: str, columns: int, rows: int
) -> None:
    """Whatever stages are called and print, in any window: the screen understands all that comes,
    and after the end no line of the block is left."""
    plan = make_plan(make_stage(name, title=line or None), make_stage("other"))
    stage = Stage(plan, columns, rows)
    try:
        stage.tell(
            RunStarted(name, "t", name, "d", "0", name),
            StageStarted(name, 1, ""),
            StageOutput(name, 1, "stdout", line),
        )
        stage.wait(1)
        stage.tell(StageOutput(name, 1, "stdout", excerpt))
        stage.wait(1)
        failed = completed(name, StageStatus.FAILED, BAD)
        stage.tell(replace(failed, stderr_excerpt=excerpt, reason=line))
        stage.wait(1)
        stage.view.close()
        assert not [shown for shown in stage.look() if " running" in shown and "waiting" in shown]
    finally:
        stage.close()


def test_escape_codes_in_output_are_seen_and_not_obeyed(stage: Stage) -> None:
    """A stage that prints codes to clear the screen clears nothing."""
    stage.tell(completed("build", StageStatus.SUCCEEDED), StageStarted("lint", 1, ""))
    stage.tell(StageOutput("lint", 1, "stdout", "\x1b[2J\x1b[Hmine now"))
    stage.wait(1)
    assert stage.look()[0] == "✓ build 2.1s"
    assert "^[[2J^[[Hmine now" in stage.look()[1]


def test_a_window_made_narrower_is_left_clean(stage: Stage) -> None:
    """What the terminal wrapped is erased whole."""
    stage.tell(completed("build", StageStatus.SUCCEEDED), StageStarted("lint", 1, ""))
    stage.tell(StageOutput("lint", 1, "stdout", "x" * 200))
    stage.wait(1)
    stage.resize(30, 24)
    stage.screen.resize(30)
    stage.wait(1)
    shown = stage.look()
    assert shown[0] == "✓ build 2.1s"
    assert len(shown) == 3
    assert max(map(len, shown)) <= 30
    stage.view.close()
    assert stage.look() == ["✓ build 2.1s", ""]


def test_a_low_window_holds_the_whole_block() -> None:
    """More stages run than there are rows: the rest is counted, nothing scrolls away."""
    ids = [f"stage-{number}" for number in range(9)]
    stage = Stage(make_plan(*map(make_stage, ids)), rows=6)
    stage.tell(*(StageStarted(stage_id, 1, "") for stage_id in ids))
    for _ in range(5):
        stage.wait(1)
    shown = stage.look()
    assert len(shown) == 4
    assert "(6 not shown)" in shown[-1]
    stage.close()


def test_ascii_terminals_get_ascii() -> None:
    """Without UTF-8 the marks are words, and no byte above 127 is sent."""
    stage = Stage(has_unicode=False)
    stage.tell(StageStarted("build", 1, ""), completed("build", StageStatus.SUCCEEDED))
    stage.tell(StageOutput("lint", 1, "stdout", "grün"), StageStarted("lint", 1, ""))
    stage.tell(completed("lint", StageStatus.FAILED, BAD))
    stage.wait(1)
    stage.view.close()
    shown = stage.look()
    assert shown == ["ok build 2.1s", "FAILED lint exit 1 340ms", ""]
    stage.close()


def test_a_terminal_that_nobody_reads_holds_nothing_up(stage: Stage) -> None:
    """Output is stopped with Ctrl-S: events and ticks still return, and later all is shown."""
    for number in range(20_000):
        stage.view(RunEvent(1, "", completed("build", StageStatus.SUCCEEDED)))
        stage.now += 0.2
        if number % 100 == 0:
            stage.view.tick()
    stage.look()
    for _ in range(1000):
        stage.wait(0.2)
    assert stage.look().count("✓ build 2.1s") == 20_000


def plain_lines(verbosity: int, *payloads: Payload) -> list[str]:
    """What a plain view writes of these events."""
    reader, end = os.pipe()
    view = PlainView(Progress(PLAN, lambda: 0.0), Terminal(end), Writer(end), verbosity)
    for payload in payloads:
        view(RunEvent(1, "", payload))
        view.tick()
    view.close()
    os.close(end)
    with os.fdopen(reader, encoding="utf-8") as stream:
        return stream.read().splitlines()


STORY: tuple[Payload, ...] = (
    RunStarted("2026-x", "t", "demo", "d", "0", ".runs/t/cli/2026-x/manifest.json"),
    StageStarted("build", 1, ""),
    StageRetrying("build", 1, 400, "timeout", replace(BAD, timed_out=True), None),
    StageStarted("build", 2, ""),
    StageCompleted("build", StageStatus.SUCCEEDED, None, 2, OK, summary="built \x1b[31mall"),
    StageStarted("lint", 1, ""),
    StageCompleted("lint", StageStatus.FAILED, "failure", 1, BAD, stderr_excerpt="why\n"),
    RunCancelling("cancelled", 2),
    StageCompleted("test[suite=db]", StageStatus.CANCELLED, "cancelled", 1, OK),
    StageCompleted("deploy", StageStatus.SKIPPED, "fail_fast", 0, AttemptFigures()),
)


def test_plain_lines_tell_the_story() -> None:
    """One line an event that matters, and no control code."""
    assert plain_lines(0, *STORY) == [
        "demo  4 stages  run 2026-x",
        "↻ build timed out (attempt 1 of 3), again in 400ms",
        "✓ build 2.1s  built ^[[31mall",
        "✗ lint exit 1 340ms",
        "  │ why",
        "! the run is being ended: cancelled; once more ends it at once",
        "■ test[suite=db] cancelled 2.1s",
    ]


def test_quiet_says_only_what_went_wrong() -> None:
    """-q leaves failures, warnings and nothing else."""
    assert plain_lines(-1, *STORY) == [
        "✗ lint exit 1 340ms",
        "  │ why",
        "! the run is being ended: cancelled; once more ends it at once",
    ]


def test_verbose_also_tells_starts_paths_and_skips() -> None:
    """-v adds every start, the manifest, and why stages were skipped."""
    told = plain_lines(1, *STORY)
    assert "manifest .runs/t/cli/2026-x/manifest.json" in told
    assert "▸ build (attempt 2)" in told
    assert "○ deploy skipped: another stage had failed" in told


@pytest.mark.parametrize(
    ("title", "name"),
    [(None, "lib.m[v=1,w=a]"), ("Do it", "Do it [v=1,w=a]"), ("Do a of 1", "Do a of 1")],
)
def test_stages_of_a_matrix_are_told_apart(title: str | None, name: str) -> None:
    """A title that all of them have doesn't say which one failed."""
    stage = make_stage("lib.m[v=1,w=a]", title=title, matrix={"v": 1, "w": "a"})
    assert name_text(stage) == name
    assert name_text(changed(stage, id="lib", matrix={})) == (title or "lib")
