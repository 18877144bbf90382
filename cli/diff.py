"""What changes from one text to another, as a unified diff."""

from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import Match, SequenceMatcher

from orch.cli.terminal import Terminal
from orch.cli.visible import visible_line

_STYLES = {"+": "green", "-": "red", "@": "cyan"}


def diff_of(name: str, before: str, after: str) -> str:
    """A unified diff that `patch` takes, empty where nothing changes."""
    lines = list(_changes(_lines(before), _lines(after)))
    return "".join([f"--- {name}\n+++ {name}\n", *lines]) if lines else ""


def draw_diff(diff: str, terminal: Terminal) -> bytes:
    """A diff for a reader: byte by byte for a program, made visible for a terminal."""
    if not (terminal.is_terminal or terminal.has_color):
        return diff.encode()
    drawn = []
    for line in diff.removesuffix("\n").split("\n"):
        style = "bold" if line.startswith(("--- ", "+++ ")) else _STYLES.get(line[:1])
        shown = visible_line(line)
        drawn.append((terminal.paint(shown, style) if style else shown) + "\n")
    return terminal.encode("".join(drawn))


def _lines(text: str) -> list[str]:
    """The lines of a text with their ends, of which only line feeds count."""
    lines = [line + "\n" for line in text.split("\n")]
    lines[-1] = lines[-1].removesuffix("\n")
    return lines if lines[-1] else lines[:-1]


def _changes(before: Sequence[str], after: Sequence[str]) -> Iterator[str]:
    """The hunks, line by line."""
    for group in _Matcher(before, after).get_grouped_opcodes():
        (_, start, _, other_start, _), (_, _, end, _, other_end) = group[0], group[-1]
        yield f"@@ -{_range(start, end)} +{_range(other_start, other_end)} @@\n"
        for kind, low, high, other_low, other_high in group:
            if kind == "equal":
                yield from _marked(" ", before[low:high])
                continue
            yield from _marked("-", before[low:high])
            yield from _marked("+", after[other_low:other_high])


def _marked(mark: str, lines: Sequence[str]) -> Iterator[str]:
    for line in lines:
        end = "" if line.endswith("\n") else "\n\\ No newline at end of file\n"
        yield f"{mark}{line}{end}"


def _range(start: int, end: int) -> str:
    """Line numbers as hunks give them: from 1, but an empty range names the line before it."""
    count = end - start
    return f"{start + bool(count)}" + (f",{count}" if count != 1 else "")


class _Matcher(SequenceMatcher[str]):
    """Matches first the lines that both sides hold once, then, as usual, what lies between them.

    `difflib` alone takes minutes for a file of 100,000 lines. The trick is that of Bram Cohen's
    patience diff, without its care for lines that were moved: formatting moves none.
    """

    def __init__(self, before: Sequence[str], after: Sequence[str]) -> None:
        super().__init__(None, before, after)
        self._sides = before, after

    def get_matching_blocks(self) -> list[Match]:
        before, after = self._sides
        blocks: list[Match] = []
        start = other_start = 0
        for at, other_at in [*_anchors(before, after), (len(before), len(after))]:
            between = SequenceMatcher(None, before[start:at], after[other_start:other_at])
            for low, other_low, size in between.get_matching_blocks():
                if size:
                    blocks.append(Match(start + low, other_start + other_low, size))
            if at < len(before):
                blocks.append(Match(at, other_at, 1))
            start, other_start = at + 1, other_at + 1
        return [*_joined(blocks), Match(len(before), len(after), 0)]


def _anchors(before: Sequence[str], after: Sequence[str]) -> Iterator[tuple[int, int]]:
    counts, other_counts = Counter(before), Counter(after)
    places = {line: at for at, line in enumerate(after)}
    last = -1
    for at, line in enumerate(before):
        if counts[line] == other_counts[line] == 1 and places[line] > last:
            last = places[line]
            yield at, last


def _joined(blocks: Sequence[Match]) -> list[Match]:
    """Blocks that touch on both sides as one."""
    joined: list[Match] = []
    for block in blocks:
        if joined and (joined[-1].a + joined[-1].size, joined[-1].b + joined[-1].size) == block[:2]:
            joined[-1] = Match(joined[-1].a, joined[-1].b, joined[-1].size + block.size)
        else:
            joined.append(block)
    return joined
