"""`plan.json`, the frozen plan of a run: what is executed, whatever happens to the sources."""

import errno
import os
from itertools import chain

from orch.compiler.plan import Plan, PlanFormatError, plan_from_json
from orch.dsl.json_codec import decode_json
from orch.runtime.files import StorageError, read_file, replace_file_by_parts, utf8

_WAY_OUT = "nobody can go on with this run: begin a new one"


def write_plan(path: str, plan: Plan, text: bytes | None = None) -> None:
    """Write the plan, durably; `text` is its canonical JSON, where that is at hand. Raises
    `StorageError`."""
    parts = map(utf8, plan.canonical_parts()) if text is None else (text,)
    replace_file_by_parts(path, chain(parts, (b"\n",)))


def read_plan(path: str) -> Plan:
    """The plan in a file that `write_plan` wrote.

    Raises `StorageError`, also when there is no file, and `PlanFormatError`.
    """
    data = read_file(path)
    if data is None:
        raise StorageError(path, "read", FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT)))
    try:
        value = decode_json(data)
    except (ValueError, RecursionError):
        raise PlanFormatError(f"{path} is not JSON; {_WAY_OUT}") from None
    try:
        return plan_from_json(value)
    except PlanFormatError as error:
        raise PlanFormatError(f"{path}: {error}; {_WAY_OUT}") from None
