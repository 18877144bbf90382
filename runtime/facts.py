"""What run-time expressions may read of a run: the stages that have ended, and the run itself."""

from orch.compiler.late import combined_status, is_meant_by
from orch.compiler.plan import PlannedStage
from orch.dsl.json_codec import decode_json
from orch.dsl.type_names import Any, Iterator, Mapping, Sequence
from orch.runtime.states import StageStatus

_STATUS_READ = r'\bstages(?:\.(\w+)|\[("(?:[^"\\]|\\.)*")\])\.status\b'


class StageFacts(Mapping[str, Mapping[str, Any]]):
    """`{"status", "exit_code", "values"}` of each stage that has ended, by its id, and the `types`
    of its values where it declares some, as `orch.compiler.late` reads them; under the name of an
    alias or a matrix stage the `status` of all its stages together (language.md section 6).

    A view of the scheduler's own records, so that 100,000 stages cost no 100,000 dictionaries.
    Only the ids of stages are iterated over and counted.
    """

    def __init__(
        self,
        stages: Sequence[PlannedStage],
        index: Mapping[str, int],
        statuses: Sequence[StageStatus],
    ) -> None:
        self._stages = stages
        self._index = index
        self._statuses = statuses
        self._exit_codes: dict[int, int] = {}
        self._values: dict[int, Mapping[str, Any]] = {}
        self._members: dict[str, tuple[int, ...]] = {}

    def record(self, index: int, exit_code: int | None, values: Mapping[str, Any]) -> None:
        """What is known of an ended stage beyond its status."""
        if exit_code is not None:
            self._exit_codes[index] = exit_code
        if values:
            self._values[index] = values

    def __getitem__(self, name: str) -> Mapping[str, Any]:
        index = self._index.get(name)
        if index is None:
            return {"status": self._common_status(name)}
        if not self._statuses[index].is_final:
            raise KeyError(name)
        facts = {
            "status": self._statuses[index].value,
            "exit_code": self._exit_codes.get(index),
            "values": self._values.get(index, {}),
        }
        types = self._stages[index].values
        return {**facts, "types": types} if types else facts

    def __iter__(self) -> Iterator[str]:
        return (i for i, index in self._index.items() if self._statuses[index].is_final)

    def __len__(self) -> int:
        return sum(status.is_final for status in self._statuses)

    def _common_status(self, name: str) -> str:
        if name not in self._members:
            meant = [i for stage_id, i in self._index.items() if is_meant_by(name, stage_id)]
            # A service ends, and a `finally` stage begins, after those that ask.
            counted = [index for index in meant if self._stages[index].kind == "stage"]
            self._members[name] = tuple(counted or meant)
        statuses = {self._statuses[index] for index in self._members[name]}
        if not statuses or not all(status.is_final for status in statuses):
            raise KeyError(name)
        return combined_status(status.value for status in statuses)


def status_is_read(expression: str, stage_id: str) -> bool:
    """Whether an expression, spelled as plans spell it, reads the status of a stage: by its id, or
    by the name of an alias or a matrix stage that it belongs to."""
    import re

    return any(
        is_meant_by(match[1] or decode_json(match[2]), stage_id)
        for match in re.finditer(_STATUS_READ, expression)
    )
