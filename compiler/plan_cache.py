"""Unchanged sources are not compiled again: their plan and lints are kept.

An entry of `.orch/cache/plans` is three lines: the digest of the other two; digests of all that the
compilation consulted (source files, patterns, environment variables), its lints and the places of
its scripts; the plan, if the request wants one. A look-up judges each source by content. Whatever
is wrong with an entry, it is as if it weren't there. Entries are replaced atomically, so several
orchs may share a cache; the oldest are removed, so it stays small. A digest tells damage, not
malice: who may write to `.orch` may write plans, as he may write to what the plans run.

Beside the entries stand canonical texts of plans, by their digests: to spell a plan takes longer
than to read its text.
"""

import os
from io import BytesIO
from itertools import count
from zlib import crc32

from orch.compiler.own_code import code_stamp
from orch.compiler.packed_plan import pack, unpack
from orch.compiler.plan import Plan
from orch.compiler.project_files import is_below_root, read_regular_file
from orch.compiler.request import NO_INPUTS, Compilation, Request, Script
from orch.dsl.digests import sha256_of
from orch.dsl.json_codec import decode_json, json_encoder
from orch.dsl.json_text import canonical_json
from orch.dsl.source import SourceFile, Span
from orch.dsl.type_names import TYPE_CHECKING, Any, Iterable, Mapping

if TYPE_CHECKING:
    from orch.dsl.diagnostics import Diagnostic

FOLDER = ".orch/cache/plans"
MOST_ENTRIES = 64
LARGEST_ENTRY_BYTES = 64 * 2**20
LARGEST_TEXT_BYTES = 16 * 2**20
"""A larger text is never held as a whole."""
FEWEST_STAGES = 50
"""Of a plan of fewer the text is spelled as quickly as read."""
MOST_BYTES = 256 * 2**20

_SCHEMA = "orch.plan-cache/2"
_counter = count()
_encode = json_encoder(is_sorted=True)
_WORTHLESS = (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError)
"""What reading an entry raises that is damaged, hostile, or of something that is gone."""


def cached_plan(root: str, path: str, request: Request) -> Plan | None:
    """The plan that compiling `path` would give, if an unchanged one is known."""
    compilation = cached_compilation(root, path, request)
    return None if compilation is None else compilation.plan


def cached_compilation(root: str, path: str, request: Request) -> Compilation | None:
    """The whole outcome of a compilation without errors: lints, the sources as they are now, and
    the plan if the request demands arguments. `policies` are left out."""
    try:
        key = _key(path, request)
        entry, packed = _read_entry(_entry_path(root, key), key)
        sources = _unchanged_sources(root, entry["sources"])
        if sources is None or not _is_unchanged(root, entry, request):
            return None
        lints = tuple(_diagnostic(value) for value in entry["lints"])
        scripts = tuple(
            Script(name, start, shell, tuple(variables))
            for name, start, shell, variables in entry["scripts"]
        )
        plan = unpack(decode_json(packed)) if request.demand_arguments else None
    except _WORTHLESS:
        return None
    return Compilation(plan, lints, sources, NO_INPUTS, scripts=scripts)


def store_compilation(root: str, path: str, request: Request, compilation: Compilation) -> None:
    """Remember a compilation without errors. A cache that can't be written is left as it is."""
    plan = compilation.plan
    if not compilation.is_valid or (request.demand_arguments and plan is None):
        return
    inputs = compilation.inputs
    try:
        key = _key(path, request)
        entry = {
            "schema": _SCHEMA,
            "key": key,
            "sources": {
                name: sha256_of(source.text.encode("utf-8", "surrogatepass"))
                for name, source in compilation.sources.items()
            },
            "globs": {pattern: _digest_of_names(found) for pattern, found in inputs.globs.items()},
            "variables": {name: _digest_of_value(v) for name, v in inputs.variables.items()},
            "lints": [_diagnostic_json(diagnostic) for diagnostic in compilation.diagnostics],
            "scripts": [[s.path, s.start, s.shell, s.variables] for s in compilation.scripts],
        }
        packed = b"" if plan is None else canonical_json(pack(plan)).encode()
        head = f"{canonical_json(entry)}\n".encode()
        if len(head) + len(packed) > LARGEST_ENTRY_BYTES or not _is_our_folder(root):
            return
        _replace(_entry_path(root, key), (f"{sha256_of(head, packed)}\n".encode(), head, packed))
        _forget_oldest(os.path.join(root, FOLDER))
    except (OSError, ValueError):
        return


def plan_text(root: str, plan: Plan) -> bytes | None:
    """The canonical JSON of a plan that has a digest: the one that is kept, or spelled and kept for
    the next time. None where that isn't worth it."""
    if len(plan.stages) < FEWEST_STAGES:
        return None
    file = os.path.join(root, FOLDER, f"{plan.digest.removeprefix('sha256:')}.text")
    try:
        check, _, text = read_regular_file(file, LARGEST_TEXT_BYTES + 100).partition(b"\n")
        if check == _text_check(plan, text):
            return text
    except (OSError, ValueError):
        pass
    # Parts in a list would take the memory of the text once more; its value here is no copy.
    spelled = BytesIO()
    for part in plan.canonical_parts():
        spelled.write(part.encode())
        if spelled.tell() > LARGEST_TEXT_BYTES:
            return None
    text = spelled.getvalue()
    try:
        if _is_our_folder(root):
            _replace(file, (_text_check(plan, text), b"\n", text))
            _forget_oldest(os.path.join(root, FOLDER))
    except (OSError, ValueError):
        pass
    return text


def _text_check(plan: Plan, text: bytes) -> bytes:
    """The first line of a text that is kept. To digest it again would take half as long as
    to spell it, and whoever reads the plan of a run does."""
    return b"%08x %b" % (crc32(text), plan.digest.encode())


def _is_our_folder(root: str) -> bool:
    """Whether no link stands in the way: where one leads, nothing is ours to write or to remove."""
    return os.path.realpath(f"{root}/{FOLDER}") == f"{os.path.realpath(root)}/{FOLDER}"


# -- keys and digests ---------------------------------------------------------


def _key(path: str, request: Request) -> str:
    """Digest of all that is known before anything is read."""
    given = {
        "code": code_stamp(),
        "path": path,
        "arguments": dict(request.arguments),
        "argument_values": _plain(request.argument_values),
        "is_planned": request.is_planned,
        "demand_arguments": request.demand_arguments,
        "policy": dict(request.policy),
        "project_file": sha256_of(request.project_file),
    }
    return sha256_of(_encode(given).encode())


def _plain(value: Any) -> Any:
    """A value as JSON holds it; a date of a TOML file, say, as text that names its type."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, (str, int, float, type(None))):
        return value
    return [type(value).__name__, str(value)]


def _digest_of_names(names: Iterable[str]) -> str:
    return sha256_of("\0".join(names).encode("utf-8", "surrogatepass"))


def _digest_of_value(value: str | None) -> str | None:
    return None if value is None else sha256_of(value.encode("utf-8", "surrogatepass"))


# -- looking up ---------------------------------------------------------------


def _entry_path(root: str, key: str) -> str:
    return os.path.join(root, FOLDER, f"{key}.json")


def _read_entry(file: str, key: str) -> tuple[Mapping[str, Any], bytes]:
    """An entry whose digest holds, and its packed plan; raises one of `_WORTHLESS` for another."""
    digest, _, body = read_regular_file(file, LARGEST_ENTRY_BYTES + 100).partition(b"\n")
    if digest != sha256_of(body).encode():
        raise ValueError("an entry that is damaged")
    head, _, packed = body.partition(b"\n")
    entry: Mapping[str, Any] = decode_json(head)
    if entry["schema"] != _SCHEMA or entry["key"] != key:
        raise ValueError("an entry of another question")
    return entry, packed


def _unchanged_sources(root: str, digests: Mapping[str, str]) -> dict[str, SourceFile] | None:
    """The sources, if each is below the root and holds the text that was compiled."""
    real_root = os.path.realpath(root)
    sources: dict[str, SourceFile] = {}
    for path, digest in digests.items():
        if not is_below_root(real_root, path):
            return None
        text = _text(read_regular_file(os.path.join(real_root, path), LARGEST_ENTRY_BYTES))
        if sha256_of(text.encode("utf-8", "surrogatepass")) != digest:
            return None
        sources[path] = SourceFile(path, text)
    return sources


def _text(data: bytes) -> str:
    """Bytes as the compiler reads them: no byte order mark, LF only; raises `ValueError`."""
    return data.decode().removeprefix("\ufeff").replace("\r\n", "\n")


def _is_unchanged(root: str, entry: Mapping[str, Any], request: Request) -> bool:
    for name, digest in entry["variables"].items():
        if _digest_of_value(request.environment.get(name)) != digest:
            return False
    if not entry["globs"]:
        return True
    from orch.compiler.globs import find_files

    for pattern, digest in entry["globs"].items():
        if _digest_of_names(find_files(root, pattern)) != digest:
            return False
    return True


# -- lints --------------------------------------------------------------------


def _diagnostic_json(diagnostic: "Diagnostic") -> dict[str, Any]:
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


def _diagnostic(value: Mapping[str, Any]) -> "Diagnostic":
    from orch.dsl.diagnostics import Diagnostic, Related

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


def _replace(path: str, parts: Iterable[bytes]) -> None:
    """Write a file so that readers see the old or the new one; it need not survive a crash, for a
    torn entry is found out by its digest."""
    folder, name = os.path.split(path)
    os.makedirs(folder, exist_ok=True)
    temporary = f"{folder}/.{name}.{os.getpid()}.{next(_counter)}"
    try:
        with open(temporary, "xb") as stream:
            stream.writelines(parts)
        os.replace(temporary, path)
    except OSError:
        if os.path.lexists(temporary):
            os.unlink(temporary)
        raise


def _forget_oldest(folder: str) -> None:
    """Keep the newest entries; what a killed orch left half written goes with the old ones."""
    found: list[tuple[int, int, str]] = []
    with os.scandir(folder) as listing:
        for item in listing:
            try:
                status = item.stat(follow_symlinks=False)
                found.append((status.st_mtime_ns, status.st_size, item.path))
            except FileNotFoundError:
                pass
    kept_bytes = 0
    for place, (_, size, name) in enumerate(sorted(found, reverse=True)):
        kept_bytes += size
        if place >= MOST_ENTRIES or kept_bytes > MOST_BYTES:
            try:
                os.unlink(name)
            except OSError:
                pass
