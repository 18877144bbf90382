"""Expressions evaluated while running, the border to the runtime: `when` and `bindings` of a plan.

Facts are `{"stages": {id: {"status", "exit_code", "values": {…}}}, "run": {"id", "status"}}`.
Stages that have not ended, and a status that isn't known, are left out of them. Values are JSON;
`types`, beside them, gives their types by name, as the plan has them. Jinja is imported
only when a text is read for the first time, so a run without such texts never pays for it.
"""

from orch.dsl.type_names import TYPE_CHECKING, Any, Iterable, Mapping

if TYPE_CHECKING:
    from orch.compiler.expression_tree import LateReference


class LateError(ValueError):
    """A run-time expression has no value; the message is for people and needs no context."""


def evaluate_late(text: str, facts: Mapping[str, Any]) -> Any:
    """The value of a run-time expression. Raises `LateError`.

    A value that isn't there, such as one of a stage that was skipped, is an error too, unless the
    expression says what to take instead: `| default(…)`.
    """
    from orch.compiler.budget import FaultError
    from orch.compiler.evaluate import Evaluation, bounded
    from orch.compiler.expression import ExpressionTextError, parse_text
    from orch.compiler.names import Scope

    try:
        root = parse_text(text).root
        return bounded(Evaluation(Scope(matrix={}), lambda late: _fact(late, facts)).value(root))
    except KeyError as error:
        raise LateError(f"`{text}` uses the unknown name {error}") from None
    except FaultError as fault:
        raise LateError(f"`{text}` has no value: {fault.message}") from None
    except ExpressionTextError as error:
        raise LateError(str(error)) from None


def import_what_evaluating_needs() -> None:
    """Import now all that the other functions of this module import."""
    import orch.compiler.handed_on
    import orch.compiler.values  # noqa: F401 # Used later.

    # Jinja is imported for the first text.
    evaluate_late("true", {})


def late_text(text: str, facts: Mapping[str, Any]) -> str:
    """The text of a run-time expression's value, as a command gets it. Raises `LateError`."""
    from orch.compiler.values import NoTextError, text_of

    value = evaluate_late(text, facts)
    try:
        found = text_of(value)
    except NoTextError as error:
        repair = f"; {error.help}" if error.help else ""
        raise LateError(f"`{text}` can't be given to a command: {error}{repair}") from None
    if "\0" in found:
        raise LateError(f"`{text}` can't be given to a command: it holds a NUL character")
    return found


def is_met(text: str, facts: Mapping[str, Any]) -> bool:
    """Whether a `when` lets its stage run. Raises `LateError`, also for what is no bool."""
    value = evaluate_late(text, facts)
    if not isinstance(value, bool):
        from orch.compiler.values import kind_of

        raise LateError(f"`{text}` is {kind_of(value)}, and a condition must be a bool")
    return value


def combined_status(statuses: Iterable[str]) -> str:
    """The status of an alias or a matrix stage from those of its stages (language.md section 6)."""
    known = set(statuses)
    for status in ("failed", "cancelled"):
        if status in known:
            return status
    return "skipped" if known == {"skipped"} else "succeeded"


def is_meant_by(name: str, stage_id: str) -> bool:
    """Whether a name means a stage: its id, or that of an alias or a matrix stage it belongs to.
    `test` means `test[python=3.11]`, and `web` means `web.lint`."""
    return stage_id == name or stage_id.startswith((f"{name}[", f"{name}."))


def _fact(late: "LateReference", facts: Mapping[str, Any]) -> Any:
    from orch.compiler.budget import AbsentError

    if late.stage is None:
        found = facts.get("run", {}).get(late.field)
        if found is None:
            raise AbsentError(f"the run's {late.field} isn't known yet")
        return found
    stage = facts.get("stages", {}).get(late.stage)
    if stage is None:
        raise AbsentError(f"stage `{late.stage}` has not ended")
    if late.field != "values":
        return stage.get(late.field)
    values = stage.get("values") or {}
    if late.value not in values:
        how = {
            "failed": " failed and",
            "skipped": " was skipped and",
            "cancelled": " was cancelled and",
        }
        status = how.get(stage.get("status", ""), "")
        raise AbsentError(
            f"stage `{late.stage}`{status} handed on no value `{late.value}`; "
            f"`| default(…)` says what to take instead"
        )
    value, types = values[late.value], stage.get("types")
    if types is None:
        return value
    from orch.compiler.handed_on import restored

    return restored(value, types[late.value])
