"""Whatever a script holds, finding its places costs what its length does."""

import sys
from types import FrameType
from typing import Any

import pytest

from orch.compiler.shell_grammar import find_shell_places

UNITS = [
    ("echo ", "V", ""), ('echo "', "V", '"'), ("echo '", "V", "'"), ("echo ", "V ", ""),
    ("", "echo V\n", ""), ("", "x=V\n", ""), ("# ", "V", ""), ("cat <<E\n", "V\n", "E\n"),
    ("a[", "V", ""), ("", "V", "=1"), ("eval ", "V ", ""), ("$((", "V", "))"),
    ("echo ", "V\\\n", ""), ("", "echo V | ", "cat"), ("case x in ", "V) ;; ", "esac"),
    ("env ", "sh -c V ", ""), ("xargs ", "sed V ", ""), ("export ", "a=V ", ""),
    ("declare ", "a$x=V ", ""), ("[ ", "V $x ", "]"), ("printf ", "V $x ", ""),
    ("set ", "V -e ", ""), ("a=(", "V ", ")"), ("[[ ", "V -eq V || ", "x ]]"),
    ("echo ", "${x:-V}", ""), ("", "x=$y; y=$x; ", "(( x ))"),
    ("", "f() { g $1 V; }; ", "echo $(($1))"), ("", 'eval "$(echo V)"; ', ""),
    ("", "alias a=V; ", ""), ("echo {", "V,", "}"), ("for i in ", "V ", "; do :; done"),
    ("", "read x <<< V; ", "(( x ))"), ("", "{ echo V; } | sh; ", ""), ("", "a[", ""),
    ("", "(", ""), ("", "`V", ""),
]  # fmt: skip


def cost(unit: tuple[str, str, str], repeats: int) -> int:
    """Lines of Python that run while the places of a script are found."""
    text = unit[0] + unit[1] * repeats + unit[2]
    pieces: list[str | None] = []
    for number, piece in enumerate(text.split("V")):
        pieces += [None, piece] if number else [piece]
    lines = 0

    def count(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal lines
        lines += event == "line"
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        find_shell_places(tuple(pieces), is_bash=True)
    finally:
        sys.settrace(before)
    return lines


@pytest.mark.parametrize("unit", UNITS, ids="".join)
def test_four_times_the_script_costs_about_four_times_as_much(unit: tuple[str, str, str]) -> None:
    """Steps are counted, so a busy machine changes nothing."""
    assert cost(unit, 400) <= 5 * cost(unit, 100) + 3_000
