"""What a warden is told of one attempt, and what it says when the attempt has ended."""

from orch.dsl.record import record
from orch.dsl.type_names import Any, Mapping


@record
class FreshnessOrder:
    """What a warden needs to judge whether the command is needed at all (`fresh_look.py`).

    `root` is the project root without links, `runs` and `out` lie below it. `inputs` are patterns,
    None where the stage declares none: then only its outputs are looked at, after a success.
    `known` is how it was at its last success: `inputs` and `outputs`, which are listings, and
    `artifacts`; None where nothing is known. `why` says why it can't be fresh, whatever its files
    are. Before its command starts the stage is forgotten in the file `records`. With `is_kept` what
    it writes is put in the cache.
    """

    stage: str
    root: str
    runs: str
    out: str
    inputs: tuple[str, ...] | None
    known: Mapping[str, Any] | None
    why: tuple[str, ...]
    records: str
    is_kept: bool


@record
class AttemptSpec:
    """One attempt, complete: a warden needs nothing else.

    `env` is the whole environment of the command, `cwd` and the log paths are absolute.
    `stdin` is the text given to the command; None gives it an empty standard input. The log
    files, and the folders above them, are made only when there is output. With `is_streamed` the
    warden reports the last line of output a few times a second. `values_file` is the absolute path
    of a file that is made for what the command hands on, None where it declares nothing. `outputs`
    are patterns, seen from `cwd` below `root`, of files that must be there after a success;
    `artifacts` those of files that are copied then to `artifacts_folder`, which is absolute.
    With `has_terminal` the command's streams are terminals, standard input too unless there is one.
    `freshness` asks for a look at its files before the command and after it.
    `stop_signal` is what it is sent first when it is ended. A service has `ready`, which says how
    it shows that it is up (`orch.runtime.readiness`); its `timeout_ms` is for that alone, None
    where there is nothing to wait for, and once it is ready it lasts until it is stopped.
    """

    argv: tuple[str, ...]
    env: Mapping[str, str]
    cwd: str
    stdin: str | None
    timeout_ms: int | None
    grace_ms: int
    buffer_bytes: int
    error_bytes: int
    log_bytes: int
    stdout_log: str
    stderr_log: str
    is_streamed: bool
    values_file: str | None = None
    root: str = "/"
    outputs: tuple[str, ...] = ()
    artifacts: tuple[str, ...] = ()
    artifacts_folder: str | None = None
    has_terminal: bool = False
    freshness: FreshnessOrder | None = None
    stop_signal: int = 15
    ready: Mapping[str, Any] | None = None


@record
class Shortcoming:
    """What a command left undone although it said that it succeeded: `reason` is one word
    (`values`, `outputs`, `artifacts`), `message` a sentence for people. Some say more than how the
    command ended: `storage` (the machine had no room for what orch keeps of it, or no descriptors),
    `readiness` (a service never was ready), `died` (one, while it was needed), `service` (one that
    the stage needs has failed)."""

    reason: str
    message: str


@record
class CapturedStream:
    """What is known of one stream of an attempt.

    `excerpt` is head and tail of what was written, at most `buffer_bytes` of it, cut at
    characters, with a marker that says how many bytes are missing between. `tail` is its last
    `error_bytes` bytes, cut at a character. `total_bytes` counts every byte the command wrote,
    `truncated_bytes` those that the excerpt leaves out, `unlogged_bytes` those that the log does,
    and `masked_bytes` by how many it became shorter because secrets were masked.
    """

    excerpt: str
    tail: str
    total_bytes: int
    truncated_bytes: int
    unlogged_bytes: int
    masked_bytes: int = 0


@record
class AttemptOutcome:
    """How an attempt ended. Exactly one of `exit_code`, `signal` and `spawn_error` is set, unless
    the warden itself was lost: then none is.

    `is_timed_out` and `is_stopped` say what orch did to it first. `survivors` counts processes
    that had to be killed after the command itself had ended. `log_error` is the reason for which a
    log could not be written; the attempt went on without it. `values` is what a success wrote to
    its values file, `artifacts` what was kept: `path`, seen from the run directory, `source`,
    `size_bytes`, `sha256`. A `shortcoming` makes a failure of what would be a success. `found` is
    what a look at its files found: `is_fresh` (then no command was run), `why` not, the listings
    `inputs` and `outputs` (None where they could not be taken), the `artifacts` as a record has
    them, `kept_bytes`, how much the cache grew, and `problem`, a sentence about the cache.
    `complaint` is what a service's probe was answered last. However a service that `is_dismissed`
    ended, nobody needed it any more.
    """

    exit_code: int | None
    signal: int | None
    spawn_error: str | None
    is_timed_out: bool
    is_stopped: bool
    duration_ms: int
    cpu_ms: int
    peak_rss_bytes: int
    survivors: int
    stdout: CapturedStream
    stderr: CapturedStream
    log_error: str | None = None
    values: bytes = b""
    shortcoming: Shortcoming | None = None
    artifacts: tuple[Mapping[str, Any], ...] = ()
    found: Mapping[str, Any] | None = None
    complaint: str = ""
    is_dismissed: bool = False

    @property
    def is_fresh(self) -> bool:
        """Nothing had changed, and no command was run."""
        return self.found is not None and bool(self.found["is_fresh"])

    @property
    def is_success(self) -> bool:
        is_whole = self.exit_code == 0 and self.shortcoming is None
        return self.is_dismissed or (is_whole and not self.is_stopped and not self.is_timed_out)

    @property
    def reason(self) -> str:
        """`success`, or why the attempt failed, in the words of `retry.on` and runtime.md:
        `cancelled timeout storage spawn signal failure warden`, or that of the shortcoming."""
        if self.is_success:
            return "success"
        shortcoming = "" if self.shortcoming is None else self.shortcoming.reason
        said_in_order = (
            (shortcoming, shortcoming in _OF_SERVICES),
            ("cancelled", self.is_stopped),
            ("timeout", self.is_timed_out),
            ("storage", shortcoming == "storage"),
            ("spawn", self.spawn_error is not None),
            ("signal", self.signal is not None),
            ("warden", self.exit_code is None),
            ("failure", self.exit_code != 0),
        )
        return next((reason for reason, is_true in said_in_order if is_true), shortcoming)

    @property
    def explanation(self) -> str:
        """The reason, with what is to be said of it for people."""
        if self.shortcoming is None or self.reason != self.shortcoming.reason:
            return self.reason
        return f"{self.reason}: {self.shortcoming.message}"


_OF_SERVICES = ("readiness", "died", "service")

NOTHING_CAPTURED = CapturedStream("", "", 0, 0, 0)


def lost_outcome(duration_ms: int) -> AttemptOutcome:
    """The outcome of an attempt whose warden died."""
    return AttemptOutcome(
        None, None, None, False, False, duration_ms, 0, 0, 0, NOTHING_CAPTURED, NOTHING_CAPTURED
    )
