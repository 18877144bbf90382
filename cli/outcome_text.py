"""How stages and runs ended, in words; the same in the live view, at the end and in `status`."""

from orch.cli.terminal import Pieces, Terminal
from orch.cli.visible import cut, visible, visible_lines
from orch.compiler.plan import NOT_SELECTED, PlannedStage
from orch.dsl.type_names import Any, Iterable, Mapping, Protocol, Sequence

COUNTED = ("succeeded", "failed", "cancelled", "skipped", "running", "ready", "waiting")
"""Statuses in the order in which they are counted up."""

_COUNT_STYLES = {"failed": ("red",), "cancelled": ("yellow",), "succeeded": ("green",)}

_MOST_NAMES = 3

_SIGNALS = {
    1: "SIGHUP",
    2: "SIGINT",
    3: "SIGQUIT",
    4: "SIGILL",
    6: "SIGABRT",
    7: "SIGBUS",
    8: "SIGFPE",
    9: "SIGKILL",
    11: "SIGSEGV",
    13: "SIGPIPE",
    14: "SIGALRM",
    15: "SIGTERM",
}

_OUR_REASONS = {
    "cancelled": "cancelled",
    "spawn": "could not be started",
    "warden": "the process that watched it died",
    "deadline": "the deadline of the run passed",
    "fail_fast": "another stage had failed",
    NOT_SELECTED: "not selected",
}

_OF_SERVICES = ("readiness: ", "died: ", "service: ")
"""Reasons whose sentence says it all."""


class Ended(Protocol):
    """What is measured of an attempt; events and manifests both have it."""

    @property
    def exit_code(self) -> int | None: ...
    @property
    def signal(self) -> int | None: ...
    @property
    def timed_out(self) -> bool: ...
    @property
    def duration_ms(self) -> int | None: ...


def why_text(reason: str | None, ended: Ended) -> str:
    """Why an attempt failed: `exit 1`, `killed by SIGSEGV`, `timed out`, or the reason itself."""
    told = reason or ""
    if told.startswith(_OF_SERVICES):
        return visible(told.partition(": ")[2])
    if ended.timed_out:
        return "timed out"
    if reason in (None, "failure", "signal"):
        if ended.signal is not None:
            return f"killed by {_SIGNALS.get(ended.signal, f'signal {ended.signal}')}"
        if ended.exit_code is not None:
            return f"exit {ended.exit_code}"
    return reason_text(reason or "failed")


def reason_text(reason: str) -> str:
    """A reason of the runtime in words; one that is words already is only made visible."""
    return _OUR_REASONS.get(reason) or visible(reason)


def name_text(stage: PlannedStage) -> str:
    """What a stage is called: its title, where it has one, and its combination where the title is
    the same for all of a matrix."""
    if stage.title is None:
        return visible(stage.id)
    is_told = all(str(value) in stage.title for value in stage.matrix.values())
    return visible(stage.title if is_told else f"{stage.title} [{stage.id.partition('[')[2]}")


def attempt_text(stage: PlannedStage, attempt: int) -> str:
    """`attempt 2 of 3`; numbers go on past the limit when a run is resumed."""
    limit = stage.policy.retry.attempts
    return f"attempt {attempt}" + (f" of {limit}" if attempt <= limit else "")


def count_pieces(counts: Mapping[str, int]) -> Pieces:
    """`3 succeeded, 1 failed`, statuses that nothing has left out."""
    pieces: Pieces = []
    for status in COUNTED:
        if counts.get(status):
            pieces.append((", ",) if pieces else ("",))
            pieces.append((f"{counts[status]} {status}", *_COUNT_STYLES.get(status, ())))
    return pieces


def wait_text(unmet: Sequence[PlannedStage]) -> str:
    """What a stage waits for, by those of its needs that aren't met: `for `build``, `until `db` is
    ready` where only services are missing."""
    names = ", ".join(f"`{visible(need.id)}`" for need in unmet[:_MOST_NAMES])
    if len(unmet) > _MOST_NAMES:
        names += f" and {len(unmet) - _MOST_NAMES} more"
    if all(need.kind == "service" for need in unmet):
        return f"until {names} {'is' if len(unmet) == 1 else 'are'} ready"
    return f"for {names}"


def unready_text(ready: Mapping[str, Any] | None) -> str:
    """What a service is waited for to do, by its probe: `not ready until port 5433 answers`."""
    what = ready_text(ready)
    return f"not ready until {what}" if what else "not ready yet"


def ready_text(ready: Mapping[str, Any] | None) -> str:
    """What shows that a service is ready, by its probe: `port 5433 answers`; empty without one."""
    match ready:
        case {"kind": "tcp", "port": port}:
            what = f"port {port} answers"
        case {"kind": "http", "url": url}:
            what = f"{url} answers"
        case {"kind": "exec", "argv": [*_, "-c", script]}:
            what = f"`{script}` succeeds"
        case {"kind": "exec", "argv": argv}:
            what = f"`{_quoted(argv)}` succeeds"
        case {"kind": "log", "text": text}:
            what = f"it writes `{text}`"
        case _:
            return ""
    return visible(what)


class Wrote(Protocol):
    """What is kept of a stage's output; events and manifests both have it."""

    @property
    def reason(self) -> str | None: ...
    @property
    def stdout_excerpt(self) -> str: ...
    @property
    def stderr_excerpt(self) -> str: ...


def excerpt_lines(wrote: Wrote, terminal: Terminal, limit: int) -> list[str]:
    """The last lines of a failed stage's stderr, indented, cut to the terminal, fit to be shown;
    of its stdout where stderr is empty, for many tools complain there. Where the command could not
    be started the text is our own, and all of it is shown."""
    said = wrote.stderr_excerpt if wrote.stderr_excerpt.strip() else wrote.stdout_excerpt
    lines = [line for line in visible_lines(said) if line.strip()]
    room = max(8, terminal.size()[0] - 6)
    if wrote.reason == "spawn":
        from textwrap import wrap

        lines = [part for line in lines for part in wrap(line, room)]
    else:
        spelled = map(terminal.spelled, lines[-limit:])
        lines = [cut(line, room, terminal.mark("ellipsis")) for line in spelled]
    bar = terminal.paint(terminal.mark("bar"), "red")
    return [f"  {bar} {line}" for line in lines]


def shell_text(words: Iterable[str]) -> str:
    """A command line to copy; words are quoted where the shell would take them apart."""
    return _quoted(visible(word) for word in words)


def _quoted(words: Iterable[str]) -> str:
    import shlex

    return shlex.join(words)
