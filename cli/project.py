"""The project around a command: its root, its orch.toml, and the request made of its words."""

import os
import stat

from orch.cli.failure import CommandError
from orch.compiler.project_files import read_regular_file
from orch.dsl.source import MOST_BYTES
from orch.dsl.type_names import Any, Iterable, Mapping

ROOT_VARIABLE = "ORCH_ROOT"
PROJECT_FILE = "orch.toml"

# What orch itself leaves (.orch, .runs, out) is no sign: one run in a home folder would make it the
# root of every project below that has no sign of its own.
_ROOT_SIGNS = (PROJECT_FILE, ".git", "pipelines")


def find_root(root_name: str | None, environment: Mapping[str, str]) -> str:
    """The project root, absolute, links in it resolved.

    `--root`, else `ORCH_ROOT`, else the nearest folder from the current one upwards that holds
    `orch.toml`, `.git` or `pipelines`, else the current folder. Raises `CommandError`.
    """
    if root_name is not None:
        return _given_root(root_name, "--root")
    if ROOT_VARIABLE in environment:
        return _given_root(environment[ROOT_VARIABLE], ROOT_VARIABLE)
    return nearest_root(_current_folder())


def nearest_root(here: str) -> str:
    """The nearest folder from `here` upwards that holds a sign of a root, else `here`."""
    folder = here
    while not any(os.path.lexists(f"{folder}/{sign}") for sign in _ROOT_SIGNS):
        above = os.path.dirname(folder)
        if above == folder:
            return here
        folder = above
    return folder


def _given_root(name: str, source: str) -> str:
    if not name:
        raise CommandError(f"{source} is empty; it names the project's root folder")
    try:
        root = os.path.realpath(name)
        is_folder = stat.S_ISDIR(os.stat(root).st_mode)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        is_folder = False
    except OSError as error:
        raise CommandError(f"{source} names `{name}`: {(error.strerror or '').lower()}") from None
    if not is_folder:
        raise CommandError(f"{source} names `{name}`, which is no folder")
    return root


def _current_folder() -> str:
    try:
        return os.path.realpath(os.getcwd())
    except FileNotFoundError:
        raise CommandError("the current folder no longer exists") from None


def relative_path(root: str, file: str) -> str:
    """The path of FILE, as given from the current folder, relative to the root.

    Links above the file are resolved, the file's own name is kept. Raises `CommandError` for a
    file outside the root.
    """
    folder, name = os.path.split(file)
    if name in ("", ".", ".."):
        folder, name = file, ""
    path = os.path.relpath(os.path.join(os.path.realpath(folder), name), root)
    if path.split("/", 1)[0] == "..":
        raise CommandError(
            f"`{file}` lies outside the project root `{root}`",
            help_text="Give the root that it belongs to with --root.",
        )
    return path


def find_pipeline(root: str, name: str) -> str:
    """A file, or the name of a pipeline in `pipelines/`, as the path of the file to read."""
    if os.path.lexists(name) or "/" in name or name.endswith((".pipeline", ".json")):
        return name
    folder = os.path.join(root, "pipelines")
    file = f"{folder}/{name}.pipeline"
    if os.path.isfile(file):
        return os.path.relpath(file)
    from orch.dsl.suggest import near_miss

    known = named_pipelines(root)
    hint = near_miss(name, known)
    raise CommandError(
        f"there is no file `{name}`, and no pipeline of that name in `{folder}`"
        + (f"; did you mean `{hint}`?" if hint else ""),
        help_text="" if known else "`orch init` writes a first pipeline for a project.",
    )


def named_pipelines(root: str) -> list[str]:
    """The names of the pipelines in `pipelines/`; none where there is no such folder."""
    try:
        files = os.listdir(os.path.join(root, "pipelines"))
    except OSError:
        return []
    return [name for file in files if (name := file.removesuffix(".pipeline")) not in ("", file)]


def split_pairs(pairs: Iterable[str], option: str) -> dict[str, str]:
    """`NAME=VALUE` texts as a mapping; of a name given twice the last one counts."""
    found = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            example = "timeout=5m" if option == "--policy" else "level=full"
            raise CommandError(
                f"{option} takes NAME=VALUE, not `{pair}`",
                help_text=f"For example {option} {example}.",
            )
        found[name] = value
    return found


def read_params_files(files: Iterable[str]) -> dict[str, Any]:
    """The values of `--params` files, later files over earlier ones."""
    values: dict[str, Any] = {}
    for file in files:
        values |= _read_table(file, is_json=not file.endswith(".toml"))
    return values


def read_project_file(root: str) -> bytes:
    """The bytes of orch.toml; none where there is none. The compiler reads and judges them."""
    path = os.path.join(root, PROJECT_FILE)
    try:
        return read_regular_file(path, MOST_BYTES + 1)
    except FileNotFoundError:
        return b""
    except IsADirectoryError:
        raise CommandError(f"`{path}` is not a regular file") from None
    except OSError as error:
        raise CommandError(f"can't read `{path}`: {(error.strerror or '').lower()}") from None


def _read_table(path: str, *, is_json: bool) -> dict[str, Any]:
    try:
        with open(path, "rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise CommandError(f"can't read `{path}`: {(error.strerror or '').lower()}") from None
    if len(data) > MOST_BYTES:
        raise CommandError(f"`{path}` is larger than {MOST_BYTES >> 20} MiB")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CommandError(f"`{path}` is not UTF-8 at byte {error.start}") from None
    value = _parse_json(path, text) if is_json else _parse_toml(path, text)
    if not isinstance(value, dict):
        raise CommandError(f"`{path}` has to hold an object of names and values")
    return value


def _parse_json(path: str, text: str) -> Any:
    import json

    from orch.cli.visible import visible
    from orch.compiler.texts import RepeatedKeyError, once_each

    def refuse(word: str) -> Any:
        raise CommandError(f"`{path}` holds {word}, which is no JSON value")

    try:
        return json.loads(text, parse_constant=refuse, object_pairs_hook=once_each)
    except RepeatedKeyError as error:
        raise CommandError(f"`{path}` gives `{visible(error.key)}` twice") from None
    except json.JSONDecodeError as error:
        raise CommandError(
            f"`{path}` is not JSON at line {error.lineno}, column {error.colno}"
        ) from None
    except (RecursionError, ValueError):
        raise CommandError(f"`{path}` holds a number or a nesting past all limits") from None


def _parse_toml(path: str, text: str) -> Any:
    import re
    import tomllib

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        # The library's own words are left out; its place is told in ours.
        place = re.search(r"line (\d+), column (\d+)", str(error))
        where = f"line {place[1]}, column {place[2]}" if place else "its end"
        is_second = str(error).startswith(("Cannot ", "Duplicate "))
        what = "gives a name a second time" if is_second else "is not TOML"
        raise CommandError(f"`{path}` {what} at {where}") from None
    except (RecursionError, ValueError):
        raise CommandError(f"`{path}` holds a number or a nesting past all limits") from None
