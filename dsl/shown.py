"""Texts as messages show them: on one line, with nothing invisible, and cut where they are long."""

LONGEST_VALUE = 60
LONGEST_PATH = 300

_SHORT = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}


def shown(text: str, longest: int = LONGEST_VALUE) -> str:
    """The text of a value, a name or a path for a message, without quotation marks around it.

    What doesn't print is written as the escape of a string in a file (language.md section 3), so
    that a message stays one line and no value steers a terminal.
    """
    if len(text) > longest:
        text = text[: longest - 1] + "…"
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else _SHORT.get(c) or f"\\u{{{ord(c):X}}}" for c in text)
