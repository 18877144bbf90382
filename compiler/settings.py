"""The table of the language: every block, its settings, and what each of them takes.

The compiler checks blocks against this table, and whoever explains the language (manual, editor)
reads the same one. Ranges and defaults are those of language.md section 5.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Any

from orch.compiler.shapes import (
    Anything,
    ListOf,
    MapOf,
    Names,
    RangeOf,
    Scalar,
    Shape,
    Strings,
    Words,
)
from orch.dsl.record import record

LONGEST_MS = 10 * 365 * 86_400_000
"""Ten years: the longest duration a policy takes, so that every bound stays a small integer."""

LARGEST_BYTES = 2**50


class Templates(Enum):
    """Where in a setting's value a template may stand."""

    NEVER = "it is known before anything is evaluated"
    PLANNED = "it is evaluated when the plan is made"
    LATE = "it may read what is known only while running"


@record
class SettingSpec:
    """`default` is the built-in value, as the plan holds it; `is_of_run` marks policy settings
    that are set once for the whole run, so at the top of a file only."""

    name: str
    shape: Shape
    doc: str
    templates: Templates = Templates.PLANNED
    is_required: bool = False
    default: Any = None
    is_of_run: bool = False


@dataclass(frozen=True)
class BlockSpec:
    """A block: the rows of its settings, and its inner blocks.

    `entries` says what values of freely named settings are (`env`, `with`, `matrix`); with
    `declares` the block holds `name: type` instead. `may_hold_dash` says whether the block's name
    may hold `-` after its first character.
    """

    keyword: str
    doc: str
    rows: tuple[SettingSpec, ...] = ()
    inner: "tuple[BlockSpec, ...]" = ()
    entries: Shape | None = None
    declares: bool = False
    is_of_run: bool = False
    may_hold_dash: bool = False

    @cached_property
    def settings(self) -> Mapping[str, SettingSpec]:
        """The settings by name."""
        return {setting.name: setting for setting in self.rows}

    @cached_property
    def blocks(self) -> "Mapping[str, BlockSpec]":
        """The inner blocks by keyword."""
        return {block.keyword: block for block in self.inner}


STRING = Scalar("string")
PATH = Scalar("path")
BOOL = Scalar("bool")
DURATION = Scalar("duration", 1, LONGEST_MS)
WAIT = RangeOf(Scalar("duration", 0, LONGEST_MS))
LIST_OF_STRINGS = ListOf(STRING)
GLOBS = ListOf(Strings())

SHELLS = ("sh", "bash", "python", "node")
JITTERS = ("none", "full", "equal")
REASONS = ("failure", "timeout", "signal", "spawn", "exit(N)")
SIGNALS = ("TERM", "INT", "HUP", "QUIT", "KILL", "USR1", "USR2")

_PLAN = Templates.PLANNED
_LATE = Templates.LATE
_NEVER = Templates.NEVER


# -- policy -------------------------------------------------------------------

_TIMEOUT = SettingSpec(
    "timeout", DURATION, "one attempt; then SIGTERM to its process group", default=1_800_000
)
_GRACE = SettingSpec(
    "grace",
    Scalar("duration", 0, LONGEST_MS),
    "from SIGTERM to SIGKILL",
    default=10_000,
)

RETRY = BlockSpec(
    "retry",
    "what is tried again, how often, and after which waits",
    (
        SettingSpec(
            "attempts", Scalar("int", 1, 100), "tries of a stage, the first included", default=1
        ),
        SettingSpec("backoff", WAIT, "first wait and longest wait", default=(100, 3000)),
        SettingSpec("factor", Scalar("float", 1, 10), "growth of the wait", default=2.0),
        SettingSpec("jitter", Words(JITTERS), "random part of a wait", default="full"),
        SettingSpec(
            "on",
            ListOf(Words(REASONS)),
            "what is tried again",
            default=("failure", "timeout", "signal", "spawn"),
        ),
    ),
)

OUTPUT = BlockSpec(
    "output",
    "how much output is held, kept and logged",
    (
        SettingSpec(
            "buffer",
            Scalar("size", 2**10, 2**24),
            "held in memory for each stream: half head, half tail",
            default=2**16,
        ),
        SettingSpec(
            "error",
            Scalar("size", 256, 2**20),
            "stderr kept in an error record: its last bytes",
            default=2**13,
        ),
        SettingSpec(
            "log",
            Scalar("size", 0, LARGEST_BYTES),
            "log file of one stream of one attempt; what goes beyond is dropped",
            default=2**26,
        ),
    ),
)

HEARTBEAT = BlockSpec(
    "heartbeat",
    "how often a run shows that it lives",
    (
        SettingSpec(
            "every", Scalar("duration", 100, 3_600_000), "cadence of `.heartbeat`", default=5000
        ),
        SettingSpec("persist", DURATION, "longest time between manifest writes", default=30_000),
        SettingSpec("stale", DURATION, "silence after which a run counts as lost", default=30_000),
    ),
    is_of_run=True,
)

LOCK = BlockSpec(
    "lock",
    "how hard the task state lock is tried for",
    (
        SettingSpec("attempts", Scalar("int", 1, 20), "tries for the lock", default=5),
        SettingSpec(
            "backoff", WAIT, "waits between them, doubling; under 3 s in all", default=(100, 1000)
        ),
    ),
    is_of_run=True,
)

POLICY = BlockSpec(
    "policy",
    "bounds, of all stages at the top of a file or of one stage",
    (
        SettingSpec(
            "concurrency", Scalar("int", 1, 1024), "stages running at once", is_of_run=True
        ),
        SettingSpec(
            "fail_fast",
            BOOL,
            "after a failure start no more stages",
            default=True,
            is_of_run=True,
        ),
        _TIMEOUT,
        _GRACE,
        SettingSpec("deadline", DURATION, "longest time of the whole run", is_of_run=True),
    ),
    (RETRY, OUTPUT, HEARTBEAT, LOCK),
)


# -- the parts that stages and services share ---------------------------------

_RUN = SettingSpec(
    "run",
    Strings(),
    "a script for the shell, or a list: one program and its arguments",
    _LATE,
    is_required=True,
)
_SHELL = SettingSpec("shell", Words(SHELLS), "what a script is for; default sh")
_CWD = SettingSpec("cwd", PATH, "working directory; default the project root")
_SECRETS = SettingSpec("secrets", Names("secret", is_list=True), "the secrets it may see", _NEVER)
_WHEN = SettingSpec("when", BOOL, "whether to run", _LATE)
_NEEDS = SettingSpec(
    "needs",
    Names("stage", is_list=True),
    "stages, services or aliases that must end well first",
    _NEVER,
)
_ENV_VALUES = SettingSpec("env", MapOf(STRING), "added to the environment", _LATE)
ENV = BlockSpec("env", "added to the environment", entries=STRING)
MATRIX = BlockSpec("matrix", "one stage for every combination", entries=Anything())
VALUES = BlockSpec("values", "small results it hands on", declares=True)

_STAGE_SETTINGS = (
    SettingSpec("title", STRING, "shown instead of the name"),
    _RUN,
    _SHELL,
    _WHEN,
    _ENV_VALUES,
    _CWD,
    _SECRETS,
    SettingSpec("inputs", GLOBS, "files read"),
    SettingSpec("outputs", GLOBS, "files written"),
    SettingSpec("artifacts", GLOBS, "files kept with the run"),
    SettingSpec("pool", Names("pool", is_list=False), "the pool it takes a slot of", _NEVER),
    SettingSpec("exclusive", STRING, "held by one stage at a time across all runs"),
    SettingSpec("allow_failure", BOOL, "its failure lets the run succeed"),
    SettingSpec("summary", STRING, "what to say when it succeeds", _LATE),
    SettingSpec("stdin", STRING, "text given to the command; default: empty", _LATE),
    SettingSpec("tty", BOOL, "run under a pseudo-terminal"),
    _TIMEOUT,
    _GRACE,
)

READY = BlockSpec(
    "ready",
    "how to tell that a service is up: exactly one probe",
    (
        SettingSpec("tcp", Scalar("int", 1, 65_535), "a port that accepts connections"),
        SettingSpec("http", STRING, "an address that answers with success"),
        SettingSpec("exec", Strings(), "a command that succeeds"),
        SettingSpec("log", STRING, "a text that its output holds"),
        SettingSpec("every", DURATION, "time between probes", default=200),
        SettingSpec("timeout", DURATION, "longest time until it is ready", default=30_000),
    ),
)
PROBES = ("tcp", "http", "exec", "log")

BLOCKS: Mapping[str, BlockSpec] = {
    block.keyword: block
    for block in (
        BlockSpec(
            "pipeline",
            "names the file's pipeline",
            (
                SettingSpec("title", STRING, "shown instead of the name"),
                SettingSpec("description", STRING, "what it is for"),
                SettingSpec("tags", LIST_OF_STRINGS, "words to find it by"),
                SettingSpec("task", STRING, "the task id that runs are filed under"),
                SettingSpec("requires", STRING, "a PEP 440 range of orch versions", _NEVER),
            ),
            may_hold_dash=True,
        ),
        BlockSpec(
            "param",
            "an input",
            (
                SettingSpec("help", STRING, "what it is for", _NEVER),
                SettingSpec("in", Anything(), "a list of allowed values, or a range"),
                SettingSpec("matches", STRING, "a regular expression for the whole string", _NEVER),
                SettingSpec("env", STRING, "the variable that supplies it otherwise", _NEVER),
            ),
        ),
        BlockSpec("let", "a named constant"),
        BlockSpec(
            "secret",
            "a value that must never be seen",
            (
                SettingSpec("env", STRING, "the variable that holds it", _NEVER),
                SettingSpec("file", STRING, "the file that holds it", _NEVER),
                SettingSpec(
                    "required", BOOL, "whether a run can't do without it", _NEVER, default=True
                ),
            ),
        ),
        POLICY,
        BlockSpec(
            "pool",
            "at most that many of its stages at once",
            (
                SettingSpec(
                    "slots", Scalar("int", 1, 1024), "stages running at once", is_required=True
                ),
            ),
            may_hold_dash=True,
        ),
        BlockSpec(
            "stage",
            "a node of the graph: one command",
            (*_STAGE_SETTINGS, _NEEDS),
            (ENV, MATRIX, VALUES, POLICY, RETRY, OUTPUT),
            may_hold_dash=True,
        ),
        BlockSpec(
            "service",
            "a process that runs beside the stages that need it",
            (
                _RUN,
                _SHELL,
                _ENV_VALUES,
                _CWD,
                _SECRETS,
                SettingSpec("when", BOOL, "whether to run", _LATE),
                SettingSpec(
                    "stop",
                    Scalar("string", allowed=SIGNALS),
                    "the signal that ends it",
                    default="TERM",
                ),
            ),
            (ENV, READY),
            may_hold_dash=True,
        ),
        BlockSpec(
            "finally",
            "a stage that runs at the end, whatever happened",
            (*_STAGE_SETTINGS, _NEEDS),
            (ENV, MATRIX, VALUES, POLICY, RETRY, OUTPUT),
            may_hold_dash=True,
        ),
        BlockSpec(
            "use",
            "inlines another pipeline file",
            (_NEEDS, _WHEN, _ENV_VALUES),
            (
                BlockSpec("with", "arguments for its parameters", entries=Anything()),
                MATRIX,
                ENV,
                POLICY,
            ),
            may_hold_dash=True,
        ),
    )
}
"""Every block that may stand at the top of a file, by its keyword."""


def dotted_policy() -> dict[str, SettingSpec]:
    """All policy settings under dotted names, in the order of the table: `retry.attempts`."""
    found: dict[str, SettingSpec] = dict(POLICY.settings)
    for block in POLICY.blocks.values():
        found |= {f"{block.keyword}.{name}": spec for name, spec in block.settings.items()}
    return found
