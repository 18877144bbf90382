"""Task ids, run ids and the names that stages have on disk.

`sanitize_task_id` and `sanitize_run_id` are the only judges of ids, which become folder names on
every file system: they refuse and never repair (runtime.md, section 2).
"""

import os
from itertools import groupby

from orch.compiler.plan import Plan
from orch.dsl.type_names import Container, Mapping, Protocol
from orch.runtime.clock import utc_text

TASK_VARIABLE = "MCP_RUNNER_TASK_ID"
MAX_ID_BYTES = 128
MAX_SLUG_CHARACTERS = 40

WORD_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_")
_SLUG_CHARACTERS = WORD_CHARACTERS | {"."}
_FORBIDDEN = frozenset('<>:"/\\|?*')
_UNWRITABLE = {
    "Cc": "a control character",
    "Cf": "an invisible format character",
    "Cs": "half of a surrogate pair",
    "Cn": "an unassigned character",
}
_DEVICES = frozenset(
    ["con", "prn", "aux", "nul", "conin$", "conout$"]
    + [port + digit for port in ("com", "lpt") for digit in "123456789¹²³"]
)

_MOST_KEPT_SLUGS = 64
_kept_slugs: dict[tuple[int, str], str] = {}


class InvalidIdError(ValueError):
    """A task or run id can't be used; the message names the character and its place."""


class RandomBits(Protocol):
    """The randomness that is needed here; `random.Random` has it."""

    def getrandbits(self, count: int, /) -> int: ...


class SystemRandom:
    """The system's randomness, in the one form that orch needs."""

    def getrandbits(self, count: int, /) -> int:
        return int.from_bytes(os.urandom((count + 7) // 8)) >> (-count % 8)


def sanitize_task_id(text: str, source: str = "task id") -> str:
    """The task id itself. `source` says where it came from and begins the message.

    Raises `InvalidIdError`.
    """
    return _sanitize(text, source)


def sanitize_run_id(text: str) -> str:
    """The run id itself. Raises `InvalidIdError`."""
    return _sanitize(text, "run id")


def resolve_task_id(flag: str | None, environment: Mapping[str, str], plan: Plan) -> str:
    """The task a run is filed under: `--task`, MCP_RUNNER_TASK_ID, `pipeline.task`, or the
    pipeline's name, the first that is set; one that is set but empty is refused.

    Raises `InvalidIdError`.
    """
    if flag is not None:
        return sanitize_task_id(flag)
    if TASK_VARIABLE in environment:
        return sanitize_task_id(environment[TASK_VARIABLE], TASK_VARIABLE)
    if plan.pipeline.task is not None:
        return sanitize_task_id(plan.pipeline.task)
    return sanitize_task_id(plan.pipeline.name)


def new_run_id(now_ms: int, random: RandomBits) -> str:
    """`2026-11-22T09-55-41-431Z-9574035c`: UTC time and eight hex digits; ids sort by time."""
    stamp = utc_text(now_ms).replace(":", "-").replace(".", "-")
    return f"{stamp}-{random.getrandbits(32):08x}"


def slug(index: int, stage_id: str) -> str:
    """The name of a stage on disk, `0003-test-python-3.11`; `index` is its place in the plan.

    Short ASCII. Two stages never share one, whatever the file system thinks of case, because the
    index comes first. Kept for a while, for several ask in a row.
    """
    name = _kept_slugs.get((index, stage_id))
    if name is None:
        readable = dashed(stage_id, _SLUG_CHARACTERS)[:MAX_SLUG_CHARACTERS].strip("-._")
        name = f"{index:04d}-{readable or 'stage'}"
        if len(_kept_slugs) >= _MOST_KEPT_SLUGS:
            _kept_slugs.clear()
        _kept_slugs[index, stage_id] = name
    return name


def dashed(text: str, kept: Container[str]) -> str:
    """The text with one `-` in the place of all characters between those that are kept."""
    runs = groupby(text, kept.__contains__)
    return "".join("".join(run) if is_kept else "-" for is_kept, run in runs)


def _sanitize(text: str, source: str) -> str:
    if not text:
        raise InvalidIdError(f"Invalid {source}: it is empty")
    for place, character in enumerate(text, 1):
        if character in _FORBIDDEN:
            _refuse(text, source, place, f"{character!r} can't stand in a file name everywhere")
        # Printable ASCII needs no look into the Unicode tables, which cost 2 ms to load.
        if not " " <= character <= "~":
            _refuse_unwritable(text, source, place, character)
    _refuse_dots(text, source)
    size_bytes = len(text.encode())
    if size_bytes > MAX_ID_BYTES:
        # The place is that of the first character that no longer fits.
        room = len(text.encode()[:MAX_ID_BYTES].decode(errors="ignore"))
        problem = f"{text[room]!r} is past {MAX_ID_BYTES} bytes; the id has {size_bytes}"
        _refuse(text, source, room + 1, problem)
    device = text.split(".", 1)[0].rstrip(" ")
    if device.lower() in _DEVICES:
        raise InvalidIdError(
            f"Invalid {source} {_shown(text)}: {device!r} at character 1 is a device on Windows"
        )
    if not text.isascii():
        _refuse_other_forms(text, source)
    return text


def _refuse_unwritable(text: str, source: str, place: int, character: str) -> None:
    import unicodedata

    kind = _UNWRITABLE.get(unicodedata.category(character))
    if kind is not None:
        _refuse(text, source, place, f"U+{ord(character):04X} is {kind}")


def _refuse_dots(text: str, source: str) -> None:
    if text[0] == ".":
        _refuse(text, source, 1, "'.' can't come first")
    if ".." in text:
        _refuse(text, source, text.index("..") + 1, "'..' can't stand in it")
    if text[-1] in ". ":
        _refuse(text, source, len(text), f"{text[-1]!r} can't come last")


def _refuse_other_forms(text: str, source: str) -> None:
    """Two spellings of one text would name one folder on some systems and two on others."""
    import unicodedata

    normal = unicodedata.normalize("NFC", text)
    if normal != text:
        pairs = enumerate(zip(text, normal + "\0", strict=False), 1)
        place = next((at for at, (ours, other) in pairs if ours != other), len(text))
        code = f"U+{ord(text[place - 1]):04X}"
        _refuse(text, source, place, f"{code} is not in Unicode's composed form (NFC)")


def _refuse(text: str, source: str, place: int, problem: str) -> None:
    raise InvalidIdError(f"Invalid {source} {_shown(text)}: {problem} (character {place})")


def _shown(text: str) -> str:
    """At most 60 characters of the id, with whatever a terminal can't show escaped."""
    return ascii(text) if len(text) <= 60 else ascii(text[:60]) + "…"
