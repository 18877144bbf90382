"""The plainest command line, `orch run FILE` with its common options, read without click.

Importing click takes as long as all else that a small run imports (ADR 8). Whatever isn't exactly
a word that is known here is left to click, which knows them all and says what is wrong with them.
"""

import os

from orch.cli.face import make_face
from orch.cli.project import find_root
from orch.cli.running import RunWords
from orch.cli.sources import Given

_VALUED = {
    "-p": "param",
    "--param": "param",
    "--task": "task",
    "--root": "root",
    "--format": "format",
    "-j": "jobs",
    "--jobs": "jobs",
}
_FLAGS = {"-q": -1, "--quiet": -1, "-v": 1, "--verbose": 1}
_FORMATS = ("text", "json", "jsonl")
_MOST_JOBS = 1024


def plain_run(arguments: list[str]) -> RunWords | None:
    """The words of a plain `orch run` or `orch start`; None for anything else.

    Raises `CommandError` where the project root can't be found.
    """
    if arguments[:1] not in (["run"], ["start"]):
        return None
    files: list[str] = []
    verbosities: list[int] = []
    values: dict[str, list[str]] = {name: [] for name in _VALUED.values()}
    rest = iter(arguments[1:])
    for word in rest:
        if word in _VALUED:
            values[_VALUED[word]].append(next(rest, "-"))
        elif word in _FLAGS:
            verbosities.append(_FLAGS[word])
        else:
            files.append(word)
    said = [*files, *(value for found in values.values() for value in found)]
    if len(files) != 1 or len(set(verbosities)) > 1 or any(word[:1] in ("-", "") for word in said):
        return None
    format_name = values["format"][-1] if values["format"] else "text"
    jobs = values["jobs"][-1] if values["jobs"] else None
    if format_name not in _FORMATS or not (jobs is None or _is_number_of_jobs(jobs)):
        return None
    return RunWords(
        files[0],
        Given(tuple(values["param"]), (), ()),
        find_root(values["root"][-1] if values["root"] else None, os.environ),
        make_face(format_name, "auto", verbosities[0] if verbosities else 0),
        task=values["task"][-1] if values["task"] else None,
        jobs=None if jobs is None else int(jobs),
    )


def _is_number_of_jobs(text: str) -> bool:
    return text.isascii() and text.isdecimal() and 1 <= int(text[:5]) <= _MOST_JOBS
