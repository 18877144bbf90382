"""The plainest command lines, `orch run FILE` and `orch check FILE…` with their common options,
read without click.

Importing click takes as long as all else that a small run imports (ADR 8). Whatever isn't exactly
a word that is known here is left to click, which knows them all and says what is wrong with them.
"""

import os

from orch.cli.face import Face, make_face
from orch.cli.project import find_root
from orch.cli.sources import Given
from orch.dsl.record import record
from orch.dsl.type_names import Callable, Iterable, Mapping

_VALUED = {"-p": "param", "--param": "param", "--root": "root", "--format": "format"}
_VALUED_OF_RUN = {**_VALUED, "--task": "task", "-j": "jobs", "--jobs": "jobs"}
_FLAGS = {"-q": "quiet", "--quiet": "quiet", "-v": "verbose", "--verbose": "verbose"}
_FLAGS_OF_CHECK = {**_FLAGS, "--strict": "strict", "--no-shellcheck": "no-shellcheck"}
_MOST_JOBS = 1024


def plain_command(arguments: list[str]) -> Callable[[], int] | None:
    """What a plain command line asks for, to be called; None for any other.

    Raises `CommandError` where the project root can't be found.
    """
    match arguments[:1]:
        case ["run" | "start"]:
            return _run(_plain_words(arguments[1:], _VALUED_OF_RUN, _FLAGS))
        case ["check"]:
            return _check(_plain_words(arguments[1:], _VALUED, _FLAGS_OF_CHECK))
    return None


@record
class _Words:
    """`values` holds all that was given for an option, in order, by the option's name."""

    files: tuple[str, ...]
    values: Mapping[str, tuple[str, ...]]
    flags: frozenset[str]

    def last(self, name: str) -> str | None:
        """The value of an option of which the last one counts."""
        return self.values[name][-1] if self.values[name] else None

    def face(self, *formats: str) -> Face | None:
        """How the answer is wanted; None where that is not plain."""
        format_name = self.last("format") or "text"
        if format_name not in formats or {"quiet", "verbose"} <= self.flags:
            return None
        verbosity = ("verbose" in self.flags) - ("quiet" in self.flags)
        return make_face(format_name, "auto", verbosity)

    @property
    def given(self) -> Given:
        return Given(self.values["param"], (), ())

    @property
    def root(self) -> str:
        return find_root(self.last("root"), os.environ)


def _plain_words(
    arguments: Iterable[str], valued: Mapping[str, str], flags: Mapping[str, str]
) -> _Words | None:
    """The words, if each is known, and no file or value could be taken for an option."""
    files: list[str] = []
    said: set[str] = set()
    values: dict[str, list[str]] = {name: [] for name in valued.values()}
    rest = iter(arguments)
    for word in rest:
        if word in valued:
            values[valued[word]].append(next(rest, "-"))
        elif word in flags:
            said.add(flags[word])
        else:
            files.append(word)
    all_said = [*files, *(value for found in values.values() for value in found)]
    if not files or any(word[:1] in ("-", "") for word in all_said):
        return None
    found = {name: tuple(given) for name, given in values.items()}
    return _Words(tuple(files), found, frozenset(said))


def _run(words: _Words | None) -> Callable[[], int] | None:
    face = None if words is None else words.face("text", "json", "jsonl")
    if words is None or face is None or len(words.files) != 1:
        return None
    jobs = words.last("jobs")
    if jobs is not None and not _is_number_of_jobs(jobs):
        return None
    from orch.cli.running import RunWords, run_pipeline

    task, root = words.last("task"), words.root
    number = None if jobs is None else int(jobs)
    read = RunWords(words.files[0], words.given, root, face, task=task, jobs=number)
    return lambda: run_pipeline(read)


def _check(words: _Words | None) -> Callable[[], int] | None:
    face = None if words is None else words.face("text", "json")
    if words is None or face is None:
        return None
    from orch.cli.checking import CheckWords, check_files

    is_strict = "strict" in words.flags
    is_asked = "no-shellcheck" not in words.flags
    read = CheckWords(words.files, words.given, is_strict, words.root, face, is_asked)
    return lambda: check_files(read)


def _is_number_of_jobs(text: str) -> bool:
    return text.isascii() and text.isdecimal() and 1 <= int(text[:5]) <= _MOST_JOBS
