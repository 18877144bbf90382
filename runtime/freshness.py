"""Which stages of one run are fresh: orch's own first look, and what is known for the next run.

A first look asks the system for times and reads next to nothing, so that a thousand stages cost
less than it takes to start one of them. What it can't settle is left to the warden of the attempt
(`orch.runtime.fresh_look`). Where the records can't be had or kept, stages are run, and a note says
so.
"""

import os

from orch.compiler.plan import NOT_SELECTED, Plan, PlannedStage
from orch.dsl.record import EMPTY, record
from orch.dsl.type_names import Any, Callable, Mapping
from orch.runtime import clock
from orch.runtime.attempt import AttemptOutcome, FreshnessOrder
from orch.runtime.events import StageCompleted
from orch.runtime.files import StorageError
from orch.runtime.first_sight import is_as_seen, sight_of
from orch.runtime.fresh_events import FreshStage, FreshStages
from orch.runtime.fresh_keys import (
    MOST_NAMED_NEEDS,
    SKIPPED,
    Made,
    definition_of,
    key_of,
    made_changes,
    needs_changes,
    needs_digest,
    parts_of,
)
from orch.runtime.fresh_records import WORTHLESS, FreshRecords, has_head, is_sound
from orch.runtime.listings import Listing, digest_of, first_look
from orch.runtime.output_cache import CACHE_BYTES, cache_limit, prune_cache
from orch.runtime.paths import RunPaths
from orch.runtime.states import StageStatus

NEVER = "it never succeeded here"
TRIED = "its last attempt did not succeed"
FORCED = "--force"

_Record = Mapping[str, Any]


@record
class _Case:
    """A stage that is looked at: what it is made of, how it was at its last success, and why it
    can't be fresh, whatever its files are."""

    made: Made
    known: _Record | None
    why: tuple[str, ...]


@record
class Success:
    """What remains of a success: what the stage passes on, and, of a fresh one, its values."""

    key: str | None
    values: Mapping[str, Any]
    fresh_reason: str | None


@record
class LateTexts:
    """What is known of a stage only now: `texts(stage)` are those that its command uses, by the
    names of `PlannedStage.bindings` and `late` (ValueError: one has no value), `summary(stage)` is
    that of its summary (None: as planned)."""

    texts: Callable[[PlannedStage], Mapping[str, str]]
    summary: Callable[[PlannedStage], str | None]


class Freshness:
    """`environment` may say how large the cache may be. With `is_forced` nothing is fresh."""

    def __init__(
        self,
        plan: Plan,
        paths: RunPaths,
        late: LateTexts,
        environment: Mapping[str, str],
        *,
        is_forced: bool,
    ) -> None:
        self._paths = paths
        self._root = os.path.realpath(paths.root)
        self._runs, self._out = (
            os.path.relpath(os.path.realpath(place), self._root)
            for place in (paths.runs, paths.out)
        )
        self._run_id = paths.run_id
        self._plan_digest = plan.digest
        self._late = late
        self._is_forced = is_forced
        self._keys: dict[str, str | None] = {}
        self._wanted = _wanted(plan)
        self._services = {stage.id: stage for stage in plan.stages if stage.kind == "service"}
        self._cases: dict[str, _Case] = {}
        self._why: dict[str, tuple[str, ...]] = {}
        self._reasons: dict[str, str] = {}
        self._records: FreshRecords | None = None
        self._is_kept = True
        self._kept_bytes = 0
        self.troubles: list[str] = []
        """What could not be done, each as a sentence; it hurts no stage."""
        self._cache_bytes = CACHE_BYTES
        try:
            self._cache_bytes = cache_limit(environment)
        except ValueError as error:
            self.troubles.append(str(error))
        try:
            self._records = FreshRecords(paths.root, plan.pipeline.name)
        except StorageError as error:
            self.troubles.append(f"no stage can be fresh: {error}")

    def recall(self, keys: Mapping[str, str | None]) -> None:
        """Take over what stages that an earlier life has settled passed on."""
        self._keys.update(keys)

    def look(self, stage: PlannedStage) -> FreshStage | None:
        """What a first look says of a stage that declares `inputs`; None where it can't tell that
        it is fresh."""
        fresh = self._seen_at_once(stage)
        if fresh is not None:
            return fresh
        try:
            case = self._cases[stage.id] = self._case(stage)
        except ValueError:
            # A value that it uses isn't there: its launch says so.
            return None
        known = case.known
        if known is None or case.why or stage.artifacts:
            return None
        try:
            inputs = first_look(self._root, known["inputs"])
            outputs = None if inputs is None else first_look(self._root, known["outputs"])
        except WORTHLESS:
            return None
        if inputs is None or outputs is None:
            return None
        self._renew(stage.id, known, inputs, outputs)
        late = self._late.summary(stage) if stage.late else None
        return FreshStage(
            self._reason(known["run"]),
            known["values"] or EMPTY,
            stage.summary if late is None else late,
            known["key"],
        )

    def order(self, stage: PlannedStage) -> FreshnessOrder | None:
        """What the warden of an attempt is told, None where nobody asks. Raises ValueError where a
        value that the stage uses isn't there."""
        if stage.id not in self._wanted or self._records is None:
            return None
        case = self._cases.get(stage.id) or self._case(stage)
        if case.known is not None and not is_sound(case.known):
            case = _Case(case.made, None, (NEVER,))
        if stage.id in self._why:
            # An attempt has failed: what it left counts for nothing.
            case = _Case(case.made, None, self._why[stage.id])
        self._cases[stage.id] = case
        known = case.known
        return FreshnessOrder(
            stage.id,
            self._root,
            self._runs,
            self._out,
            stage.inputs or None,
            None if known is None else {n: known[n] for n in ("inputs", "outputs", "artifacts")},
            case.why,
            self._records.path,
            # A secret may be in what it writes, and never is in what orch does.
            self._is_kept and not stage.secrets,
        )

    def ended(self, stage: PlannedStage, outcome: AttemptOutcome) -> tuple[str, ...]:
        """Note how an attempt ended; why its command was run, if it declares `inputs`."""
        found = outcome.found
        if found is None or outcome.is_fresh:
            return ()
        self._kept_bytes += found["kept_bytes"]
        if found["problem"] is not None and self._is_kept:
            self._is_kept = False
            self.troubles.append(found["problem"])
        return self._why.setdefault(stage.id, tuple(found["why"])) if stage.inputs else ()

    def succeeded(
        self, stage: PlannedStage, outcome: AttemptOutcome, values: Mapping[str, Any]
    ) -> Success:
        """Keep how a stage is now that it has succeeded; `values` are what it handed on."""
        case, found = self._cases.get(stage.id), outcome.found
        if case is None or found is None:
            return Success(None, values, None)
        inputs, outputs = found["inputs"], found["outputs"]
        known = case.known
        if outcome.is_fresh and known is not None:
            self._renew(stage.id, known, inputs, outputs)
            return Success(known["key"], known["values"], self._reason(known["run"]))
        key = None
        if outputs is not None and (inputs is not None or not stage.inputs):
            key = key_of(
                stage,
                case.made,
                inputs="" if inputs is None else digest_of(inputs),
                outputs=digest_of(outputs),
                values=values,
            )
        success = Success(key, values, None)
        if key is not None and stage.inputs:
            is_named = len(stage.needs) <= MOST_NAMED_NEEDS
            details = {
                "parts": parts_of(stage, self._late.texts(stage)),
                "need_keys": dict(case.made.needs) if is_named else None,
            }
            self._put(stage.id, self._record(case.made, success, found), details)
        elif key is not None and key != self._known_key(stage.id):
            self._put(stage.id, {"run": self._run_id, "key": key})
        return success

    def note(self, completed: StageCompleted) -> None:
        """Note what a stage that has ended passes on."""
        key = completed.key
        if completed.status is StageStatus.SKIPPED:
            # What nobody asked for is taken as it stands, which is as it was made last.
            is_left_out = completed.reason == NOT_SELECTED
            key = (self._known_key(completed.stage) if is_left_out else None) or SKIPPED
        self._keys[completed.stage] = key
        self._cases.pop(completed.stage, None)

    def note_fresh(self, stages: FreshStages) -> None:
        """`note` of stages that were found fresh by looks."""
        for stage, _, fresh in stages.ends:
            self._keys[stage] = fresh.key
            self._cases.pop(stage, None)

    def close(self) -> None:
        """Let go of the records, and of what the cache holds beyond its limit. What goes wrong then
        is of no consequence."""
        if self._records is not None:
            try:
                self._records.close()
            except (StorageError, OSError):
                pass
        if self._kept_bytes:
            prune_cache(self._paths.root, self._cache_bytes, clock.wall_ms())

    def _seen_at_once(self, stage: PlannedStage) -> FreshStage | None:
        """What the sight of its record says of a stage, of which all stands in the plan; None where
        the record itself is to be judged."""
        is_certain = not (stage.late or stage.bindings or stage.artifacts or self._is_forced)
        if self._records is None or not is_certain:
            return None
        try:
            plan, needs, run, key, *looks = self._records.sight(stage.id)
            made = needs_digest({n: self._key(n) for n in stage.needs}) if stage.needs else ""
            if plan != self._plan_digest or needs != made:
                return None
            if not is_as_seen(self._root, looks):
                return None
        except ValueError:
            return None
        return FreshStage(self._reason(run), EMPTY, stage.summary, key)

    def _case(self, stage: PlannedStage) -> _Case:
        """Raises ValueError where a value that the stage uses isn't there."""
        late = self._late.texts(stage) if stage.bindings or stage.late else EMPTY
        needs = {need: self._key(need) for need in stage.needs}
        records = self._records
        known = None if records is None or not stage.inputs else records.get(stage.id)
        if known is not None and not has_head(known):
            known = None
        # What a plan says of a stage is the same as long as the plan is.
        is_of_this_plan = known is not None and known["plan"] == self._plan_digest
        if known is not None and is_of_this_plan and not late:
            made = Made(known["definition"], needs)
        else:
            made = Made(definition_of(stage, late), needs)
        if not stage.inputs:
            return _Case(made, None, ())
        if known is None:
            is_tried = records is not None and records.is_forgotten(stage.id)
            reason = FORCED if self._is_forced else TRIED if is_tried else NEVER
            return _Case(made, None, (reason,))
        why: list[str] = [FORCED] if self._is_forced else []
        if known["definition"] != made.definition:
            parts = self._details(stage, "parts")
            why.extend(() if parts is None else made_changes(parts, parts_of(stage, late)))
            why = why or ["its definition changed"]
        if made.needs_digest is None or known["needs"] != made.needs_digest:
            why.extend(needs_changes(self._details(stage, "need_keys"), made))
        return _Case(made, known, tuple(why))

    def _record(self, made: Made, success: Success, found: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "run": self._run_id,
            "plan": self._plan_digest,
            "key": success.key,
            "definition": made.definition,
            "needs": made.needs_digest,
            "inputs": found["inputs"],
            "outputs": found["outputs"],
            "values": dict(success.values),
            "artifacts": found["artifacts"],
        }

    def _key(self, need: str) -> str | None:
        """What a need passed on. A service, which may not even run for a stage that is fresh,
        passes on what it is. Raises ValueError where a value that it uses isn't there."""
        service = self._services.get(need)
        if service is None or self._keys.get(need) == SKIPPED:
            return self._keys.get(need)
        definition = definition_of(service, self._late.texts(service))
        return f"{definition}+{definition}"

    def _known_key(self, stage: str) -> str | None:
        known = None if self._records is None else self._records.get(stage)
        key = None if known is None else known.get("key")
        return key if isinstance(key, str) else None

    def _renew(self, stage: str, known: _Record, inputs: Listing, outputs: Listing) -> None:
        """Keep what makes the next look at a fresh stage quicker."""
        if (
            known["plan"] != self._plan_digest
            or (inputs is not known["inputs"] and inputs != known["inputs"])
            or (outputs is not known["outputs"] and outputs != known["outputs"])
            or not self._has_its_sight(stage, known)
        ):
            seen = {"plan": self._plan_digest, "inputs": inputs, "outputs": outputs}
            self._put(stage, {**known, **seen})

    def _has_its_sight(self, stage: str, known: _Record) -> bool:
        """Whether a record has the sight that it can have; that of an earlier orch has another."""
        sight = list(sight_of(known)) or [""]
        return self._records is not None and self._records.sight(stage) == sight

    def _reason(self, run: str) -> str:
        """One object for each run: what many events hold is spelled once."""
        known = self._reasons.get(run)
        if known is None:
            known = self._reasons[run] = f"nothing has changed since run {run}"
        return known

    def _details(self, stage: PlannedStage, name: str) -> dict[str, str] | None:
        known = {} if self._records is None else self._records.details(stage.id)
        found = known.get(name)
        return found if isinstance(found, dict) else None

    def _put(self, stage: str, content: _Record, details: _Record | None = None) -> None:
        if self._records is None:
            return
        try:
            self._records.put(stage, content, details, sight_of(content))
        except StorageError as error:
            try:
                self._records.close()
            except (StorageError, OSError):
                pass
            self._records = None
            self.troubles.append(f"what succeeded can't be fresh next time: {error}")


def _wanted(plan: Plan) -> frozenset[str]:
    """The stages whose keys count: those that declare `inputs`, and the stages they need."""
    wanted: set[str] = set()
    for stage in reversed(plan.stages):
        if stage.inputs or stage.id in wanted:
            wanted.add(stage.id)
            wanted.update(stage.needs)
    return frozenset(wanted.difference(s.id for s in plan.stages if s.kind == "service"))
