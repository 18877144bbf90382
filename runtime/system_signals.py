"""`signal` without its enums: the functions and numbers as the system has them.

Type checkers see the standard module. That is a thin coat over the one imported here, which makes
enums of what comes back, and to make those takes as long as ten modules of orch (ADR 33). So a mask
of signals is a set of plain numbers here, and what `getsignal` says of a default is a number, too.
"""

from orch.dsl.type_names import TYPE_CHECKING

if TYPE_CHECKING:
    from signal import *  # noqa: F403 # All that it has, under the same names.
else:
    from _signal import *  # noqa: F403 # All that it has, under the same names.


def signals_by_name() -> dict[str, int]:
    """The numbers of all signals that this system knows, by their names without `SIG`."""
    return {
        name.removeprefix("SIG"): number
        for name, number in globals().items()
        if name.startswith("SIG") and not name.startswith("SIG_")
    }
