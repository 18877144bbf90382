"""Unchanged sources give their plan without a compilation, and without its libraries.

An entry of `.orch/cache/plans` holds the plan, its lints, and digests of all that the compilation
consulted: source files, patterns, environment variables. A look-up judges each of them by content.
Whatever is wrong with an entry, it is as if it weren't there. Entries are replaced atomically, so
several orchs may share a cache; the oldest are removed, so it stays small.
"""

import json
import os
from collections.abc import Iterable, Mapping
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any

from orch import __version__
from orch.compiler.globs import GlobError, find_files
from orch.compiler.plan import Plan, canonical_json, plan_from_json
from orch.compiler.project_files import is_below_root, read_regular_file
from orch.compiler.request import NO_INPUTS, Compilation, Request
from orch.dsl.diagnostics import Diagnostic, Related
from orch.dsl.source import SourceFile, Span

FOLDER = ".orch/cache/plans"
MOST_ENTRIES = 64
LARGEST_ENTRY_BYTES = 64 * 2**20

_SCHEMA = "orch.plan-cache/1"
_counter = count()


def cached_plan(root: Path, path: str, request: Request) -> Plan | None:
    """The plan that compiling `path` would give, if an unchanged one is known."""
    compilation = cached_compilation(root, path, request)
    return None if compilation is None else compilation.plan


def cached_compilation(root: Path, path: str, request: Request) -> Compilation | None:
    """The whole outcome: plan, lints, and the sources as they are now. `origins` are left out."""
    try:
        entry = _read_entry(root, path, request)
        sources = _unchanged_sources(root, entry["sources"])
        if sources is None or not _is_unchanged(root, entry, request):
            return None
        lints = tuple(_diagnostic(value) for value in entry["lints"])
        plan = plan_from_json(entry["plan"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, GlobError):
        return None
    return Compilation(plan, lints, sources, NO_INPUTS)


def store_plan(root: Path, path: str, request: Request, compilation: Compilation) -> None:
    """Remember a compilation that gave a plan. A cache that can't be written is left as it is."""
    if compilation.plan is None:
        return
    inputs = compilation.inputs
    entry = {
        "schema": _SCHEMA,
        "key": _key(path, request),
        "sources": {
            name: _digest(source.text.encode("utf-8", "surrogatepass"))
            for name, source in compilation.sources.items()
        },
        "globs": {pattern: _digest_of_names(found) for pattern, found in inputs.globs.items()},
        "variables": {name: _digest_of_value(v) for name, v in inputs.variables.items()},
        "lints": [_diagnostic_json(diagnostic) for diagnostic in compilation.diagnostics],
        "plan": compilation.plan.to_json(),
    }
    body = canonical_json(entry)
    text = canonical_json({"digest": _digest(body.encode()), "entry": entry})
    if len(text) > LARGEST_ENTRY_BYTES:
        return
    try:
        if is_below_root(os.path.realpath(root), FOLDER):
            _replace(_entry_path(root, path, request), text)
        _forget_oldest(root / FOLDER)
    except OSError:
        return


# -- keys and digests ---------------------------------------------------------


def _key(path: str, request: Request) -> str:
    """Digest of all that is known before anything is read."""
    given = {
        "version": __version__,
        "path": path,
        "arguments": dict(request.arguments),
        "argument_values": _plain(request.argument_values),
        "demand_arguments": request.demand_arguments,
        "policy": dict(request.policy),
        "project_file": _digest(request.project_file),
    }
    return sha256(json.dumps(given, sort_keys=True).encode()).hexdigest()


def _plain(value: Any) -> Any:
    """A value as JSON holds it; a date of a TOML file, say, as text that names its type."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, (str, int, float, type(None))):
        return value
    return [type(value).__name__, str(value)]


def _digest(data: bytes) -> str:
    return sha256(data).hexdigest()


def _digest_of_names(names: Iterable[str]) -> str:
    return _digest("\0".join(names).encode("utf-8", "surrogatepass"))


def _digest_of_value(value: str | None) -> str | None:
    return None if value is None else _digest(value.encode("utf-8", "surrogatepass"))


# -- looking up ---------------------------------------------------------------


def _entry_path(root: Path, path: str, request: Request) -> Path:
    return root / FOLDER / f"{_key(path, request)}.json"


def _read_entry(root: Path, path: str, request: Request) -> Mapping[str, Any]:
    """An entry whose own digest holds; raises `ValueError` or `KeyError` for any other."""
    file = _entry_path(root, path, request)
    stored = json.loads(read_regular_file(file, LARGEST_ENTRY_BYTES))
    entry: Mapping[str, Any] = stored["entry"]
    if stored["digest"] != _digest(canonical_json(entry).encode()):
        raise ValueError("an entry that is damaged")
    if entry["schema"] != _SCHEMA or entry["key"] != _key(path, request):
        raise ValueError("an entry of another question")
    return entry


def _unchanged_sources(root: Path, digests: Mapping[str, str]) -> dict[str, SourceFile] | None:
    """The sources, if each is below the root and holds the text that was compiled."""
    real_root = os.path.realpath(root)
    sources: dict[str, SourceFile] = {}
    for path, digest in digests.items():
        if not is_below_root(real_root, path):
            return None
        text = _text(read_regular_file(Path(real_root, path), LARGEST_ENTRY_BYTES))
        if _digest(text.encode("utf-8", "surrogatepass")) != digest:
            return None
        sources[path] = SourceFile(path, text)
    return sources


def _text(data: bytes) -> str:
    """Bytes as the compiler reads them: no byte order mark, LF only; raises `ValueError`."""
    return data.decode("utf-8-sig").replace("\r\n", "\n")


def _is_unchanged(root: Path, entry: Mapping[str, Any], request: Request) -> bool:
    for name, digest in entry["variables"].items():
        if _digest_of_value(request.environment.get(name)) != digest:
            return False
    for pattern, digest in entry["globs"].items():
        if _digest_of_names(find_files(root, pattern)) != digest:
            return False
    return True


# -- lints --------------------------------------------------------------------


def _diagnostic_json(diagnostic: Diagnostic) -> dict[str, Any]:
    return {
        "code": diagnostic.code,
        "message": diagnostic.message,
        "path": diagnostic.path,
        "span": _span_json(diagnostic.span),
        "label": diagnostic.label,
        "help": diagnostic.help,
        "related": [
            {"message": r.message, "path": r.path, "span": _span_json(r.span)}
            for r in diagnostic.related
        ],
    }


def _diagnostic(value: Mapping[str, Any]) -> Diagnostic:
    related = tuple(Related(r["message"], r["path"], Span(*r["span"])) for r in value["related"])
    span = None if value["span"] is None else Span(*value["span"])
    return Diagnostic(
        value["code"],
        value["message"],
        value["path"],
        span,
        value["label"],
        value["help"],
        related,
    )


def _span_json(span: Span | None) -> list[int] | None:
    return None if span is None else [span.start, span.end]


# -- files --------------------------------------------------------------------


def _replace(path: Path, text: str) -> None:
    """Write a file so that readers see the old or the new one; it need not survive a crash, for a
    torn entry is found out by its digest."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{next(_counter)}")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def _forget_oldest(folder: Path) -> None:
    """Keep the newest entries; what a killed orch left half written goes with the old ones."""
    ages: list[tuple[int, str]] = []
    with os.scandir(folder) as listing:
        for item in listing:
            try:
                ages.append((item.stat(follow_symlinks=False).st_mtime_ns, item.path))
            except FileNotFoundError:
                continue
    for _, name in sorted(ages)[: max(0, len(ages) - MOST_ENTRIES)]:
        Path(name).unlink(missing_ok=True)
