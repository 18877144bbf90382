"""A terminal's window as an SVG picture: text that can be selected, colours for any background.

Each piece is stretched to its cells, so that columns stand below each other in every font.
"""

import re
from collections.abc import Sequence
from html import escape

from orch.cli.visible import width_of

Lines = Sequence[Sequence[tuple[str, tuple[str, ...]]]]
"""Lines of pieces: text, and its styles as `Terminal.paint` names them."""

_WORDS = re.compile(r"\S+(?: \S+)*")
_CELL, _LINE, _FONT = 8.4, 19, 14
_MARGIN, _BAR = 16, 34
_COLORS = {
    "red": "#f2777a",
    "green": "#8fc77a",
    "yellow": "#e5c07b",
    "blue": "#6cb2f0",
    "magenta": "#c99ae0",
    "cyan": "#62c4cf",
}
_TEXT, _DIM, _GROUND, _EDGE = "#d7dae0", "#8b929e", "#1e222a", "#3a404b"


def window_svg(lines: Lines, description: str, columns: int) -> str:
    """The picture of a window; `description` is for those who can't see it."""
    width = round(columns * _CELL + 2 * _MARGIN)
    height = round(_BAR + len(lines) * _LINE + _MARGIN)
    drawn = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            f'width="{width}" height="{height}" role="img" aria-label="{escape(description)}">'
        ),
        f"<title>{escape(description)}</title>",
        (
            f'<rect x="0.5" y="0.5" width="{width - 1}" height="{height - 1}" rx="8" '
            f'fill="{_GROUND}" stroke="{_EDGE}"/>'
        ),
        *(
            f'<circle cx="{20 + 18 * number}" cy="18" r="5.5" fill="{_EDGE}"/>'
            for number in range(3)
        ),
        (
            f"<g font-family=\"ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace\" "
            f'font-size="{_FONT}" fill="{_TEXT}" xml:space="preserve">'
        ),
    ]
    for number, line in enumerate(lines):
        drawn += _line(line, _BAR + (number + 0.75) * _LINE)
    return "\n".join([*drawn, "</g>", "</svg>", ""])


def _line(line: Sequence[tuple[str, tuple[str, ...]]], y: float) -> list[str]:
    """Words that are a blank apart, for further blanks have no width that could be stretched."""
    drawn = []
    column = 0
    for text, styles in line:
        for words in _WORDS.finditer(text):
            x = _MARGIN + (column + width_of(text[: words.start()])) * _CELL
            drawn.append(
                f'<text x="{x:g}" y="{y:g}" textLength="{width_of(words[0]) * _CELL:g}" '
                f'lengthAdjust="spacingAndGlyphs"{_attributes(styles)}>{escape(words[0])}</text>'
            )
        column += width_of(text)
    return drawn


def _attributes(styles: tuple[str, ...]) -> str:
    color = next((_COLORS[style] for style in styles if style in _COLORS), None)
    if color is None and "dim" in styles:
        color = _DIM
    fill = f' fill="{color}"' if color else ""
    return fill + (' font-weight="bold"' if "bold" in styles else "")
