"""The values that a parameter's `in` allows, and how messages show a value."""

from typing import Any

from orch.compiler.quantities import quantity_text
from orch.compiler.values import DurationMs, NoTextError, SizeBytes, kind_of, text_of
from orch.dsl.record import record
from orch.dsl.shown import shown


@record
class Allowed:
    """The values of `in`: listed, or a range with both ends."""

    listed: tuple[Any, ...] | None
    ends: tuple[Any, Any] | None

    def holds(self, value: Any) -> bool:
        """Whether a value, or an item of a list, is allowed."""
        if self.listed is not None:
            return value in self.listed
        assert self.ends is not None
        return bool(self.ends[0] <= value <= self.ends[1])

    @property
    def complaint(self) -> str:
        if self.ends is not None:
            return f"outside {shown_value(self.ends[0])}..{shown_value(self.ends[1])}"
        return "not one of " + ", ".join(shown_value(value) for value in self.listed or ())


def shown_value(value: Any) -> str:
    """A value in a message, cut where it is long."""
    match value:
        case DurationMs():
            text = quantity_text(value.value, "duration")
        case SizeBytes():
            text = quantity_text(value.value, "size")
        case _:
            try:
                text = text_of(value)
            except NoTextError:
                return kind_of(value)
    return f"`{shown(text)}`"
