"""Whether an attempt needs its command at all, judged by its warden: files are read here, however
large they are, and neither orch's loop nor its heartbeat waits for that.

Before the command starts the inputs are taken as they are then; if nothing is other than at the
stage's last success, and its outputs are there or come back from the cache, the attempt is over.
After a success the outputs are taken, and kept in the cache.
"""

import os
import stat

from orch.dsl.type_names import Any, Callable, Mapping
from orch.runtime.artifacts import ArtifactError, ArtifactStager, InterruptedStagingError
from orch.runtime.attempt import AttemptSpec, FreshnessOrder
from orch.runtime.fresh_records import forget
from orch.runtime.listings import (
    NOTHING,
    InterruptedLookError,
    Listing,
    Places,
    Row,
    UnreadableError,
    differences,
    file_row,
    is_same_content,
    take_listing,
)
from orch.runtime.output_cache import OutputCache

Asked = Callable[[], bool]


class FreshLook:
    """One attempt's look at its files."""

    def __init__(self, spec: AttemptSpec, order: FreshnessOrder) -> None:
        self.is_fresh = False
        self.artifacts: list[dict[str, Any]] = []
        """What was kept with the run of a stage that is fresh."""
        self._spec = spec
        self._order = order
        self._known = order.known
        self._places = Places(order.root, order.runs, order.out)
        self._cwd = spec.cwd.removeprefix(spec.root).strip("/") or "."
        self._cache = OutputCache(order.root)
        self._inputs: Listing | None = None
        self._outputs: Listing | None = None
        self._artifacts: list[dict[str, Any]] = []
        self._why = list(order.why)
        self._kept_bytes = 0
        self._problem: str | None = None

    def found(self) -> dict[str, Any]:
        """What `AttemptOutcome.found` holds."""
        return {
            "is_fresh": self.is_fresh,
            "why": self._why,
            "inputs": self._inputs,
            "outputs": self._outputs,
            "artifacts": self._artifacts,
            "kept_bytes": self._kept_bytes,
            "problem": self._problem,
        }

    def before(self, is_interrupted: Asked) -> None:
        """Take the inputs and judge, unless it is interrupted."""
        try:
            self._judge(is_interrupted)
        except InterruptedLookError:
            pass

    def _judge(self, is_interrupted: Asked) -> None:
        order = self._order
        if order.inputs is None:
            return
        before = NOTHING if self._known is None else self._known["inputs"]
        try:
            self._inputs = take_listing(
                self._places, self._cwd, order.inputs, before, is_interrupted
            )
        except UnreadableError as error:
            self._why.append(str(error))
        else:
            if self._known is not None:
                self._why.extend(differences(before, self._inputs))
        if self._known is not None and not self._why:
            self._judge_outputs(self._known, is_interrupted)
        if self._known is not None and not self.is_fresh:
            try:
                forget(order.records, order.stage)
            except OSError:
                pass

    def after(self, artifacts: list[dict[str, Any]], is_interrupted: Asked) -> None:
        """Take the outputs of a success, and keep them and its artifacts. Whatever can't be done is
        left undone: the stage has succeeded, and may have to run once more than it would."""
        order, known = self._order, self._known
        before = NOTHING if known is None else known["outputs"]
        if order.inputs is not None and self._inputs is None:
            return
        try:
            outputs = take_listing(
                self._places, self._cwd, self._spec.outputs, before, is_interrupted
            )
            if order.is_kept:
                for row in outputs["files"]:
                    self._keep(row[0], row[1], is_interrupted)
                for kept in artifacts:
                    self._keep(kept["source"], kept["sha256"], is_interrupted)
            self._artifacts = [self._artifact(kept) for kept in artifacts]
        except (UnreadableError, InterruptedLookError, OSError):
            return
        self._outputs = {**NOTHING, "files": outputs["files"]}

    def _artifact(self, kept: dict[str, Any]) -> dict[str, Any]:
        """What a record says of a file that was kept with the run. Raises OSError."""
        folder = (self._spec.artifacts_folder or "").rsplit("/", 2)[0]
        mode = os.lstat(f"{folder}/{kept['path']}").st_mode
        is_executable = bool(mode & stat.S_IXUSR)
        return {
            "source": kept["source"],
            "sha256": kept["sha256"],
            "is_executable": is_executable,
        }

    def _keep(self, path: str, content: str, is_interrupted: Asked) -> None:
        try:
            if self._problem is None:
                self._kept_bytes += self._cache.keep(path, content, is_interrupted)
        except OSError as error:
            self._problem = f"`.orch/cache` can't take what it wrote: {error.strerror}"

    def _judge_outputs(self, known: Mapping[str, Any], is_interrupted: Asked) -> None:
        rows: list[Row] = []
        for row in known["outputs"]["files"]:
            now = file_row(self._places.root, row, is_interrupted)
            if now is None or not is_same_content(now, row):
                how = "is missing" if now is None else "changed"
                now = self._cache.restore(row, is_interrupted)
                if now is None or not is_same_content(now, row):
                    self._why.append(f"output `{row[0]}` {how}")
                    return
            rows.append(now)
        self._outputs = {**NOTHING, "files": rows}
        self.is_fresh = self._stage_artifacts(known["artifacts"], is_interrupted)

    def _stage_artifacts(self, known: list[dict[str, Any]], is_interrupted: Asked) -> bool:
        if self._spec.artifacts_folder is None:
            return True
        stager = ArtifactStager(self._spec.artifacts_folder, self._spec.root, self._cwd)
        try:
            stager.clear()
            self.artifacts = stager.stage_again(known, self._cache.open, is_interrupted)
        except InterruptedStagingError:
            raise InterruptedLookError from None
        except (ArtifactError, OSError):
            try:
                stager.clear()
            except OSError:
                pass
            self._why.append("one of its artifacts can't be had any more")
            return False
        return True
