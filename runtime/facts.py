"""What run-time expressions may read of a run: the stages that have ended, and the run itself."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from orch.runtime.states import StageStatus

_STATUS_READ = re.compile(
    r"""\bstages \s* (?: \. \s* (\w+) | \[ \s* (["']) (.*?) \2 \s* \] ) \s* \. \s* status \b""",
    re.VERBOSE,
)


class StageFacts(Mapping[str, Mapping[str, Any]]):
    """`{"status", "exit_code", "values"}` of each stage that has ended, by its id.

    A view of the scheduler's own records, so that 100,000 stages cost no 100,000 dictionaries.
    """

    def __init__(self, index: Mapping[str, int], statuses: Sequence[StageStatus]) -> None:
        self._index = index
        self._statuses = statuses
        self._exit_codes: dict[int, int] = {}
        self._values: dict[int, Mapping[str, Any]] = {}

    def record(self, index: int, exit_code: int | None, values: Mapping[str, Any]) -> None:
        """What is known of an ended stage beyond its status."""
        if exit_code is not None:
            self._exit_codes[index] = exit_code
        if values:
            self._values[index] = values

    def __getitem__(self, stage_id: str) -> Mapping[str, Any]:
        index = self._index[stage_id]
        status = self._statuses[index]
        if not status.is_final:
            raise KeyError(stage_id)
        return {
            "status": status.value,
            "exit_code": self._exit_codes.get(index),
            "values": self._values.get(index, {}),
        }

    def __iter__(self) -> Iterator[str]:
        return (i for i, index in self._index.items() if self._statuses[index].is_final)

    def __len__(self) -> int:
        return sum(status.is_final for status in self._statuses)


def status_is_read(expression: str, stage_id: str) -> bool:
    """Whether an expression reads the status of a stage, by its id or by a name that means it
    among others: `stages.test.status` reads that of `test[python=3.11]`, too."""
    for match in _STATUS_READ.finditer(expression):
        name = match[1] or match[3]
        if stage_id == name or stage_id.startswith((f"{name}[", f"{name}.")):
            return True
    return False
