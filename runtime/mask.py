"""Masking: every form of every secret in a stream of bytes becomes `***`, all else stays.

What is masked is the union of all occurrences; where some overlap, they become one `***`. The
result depends on the bytes alone, never on how they were cut into reads. Every form is longer than
the mask, so a masked stream is never longer than it was.

It is fast because bytes are looked at one by one only where something was found. A few forms are
searched for one after the other. Many are searched for at once: any occurrence of a form of 15 or
more bytes covers a whole block of eight, counted from the beginning of what is searched; so the
blocks are looked up in a table of all eight places that they can have in a form.
"""

import re
import sys

from orch.dsl.type_names import Iterable

MASK = b"***"

_BLOCK_BYTES = 8
_LONG_BYTES = 2 * _BLOCK_BYTES - 1
_FEW = 6
_KEY_BYTES = 4
_WORTHWHILE_BYTES = 256
_MOST_OVERLAPS = 4
_ORDER = sys.byteorder

Span = tuple[int, int]


class Mask:
    """What is masked: `forms`, none of them shorter than four bytes."""

    def __init__(self, forms: Iterable[bytes]) -> None:
        ordered = sorted(set(forms))
        assert all(len(form) >= _KEY_BYTES for form in ordered), "every form is longer than `***`"
        self.longest_bytes = max(map(len, ordered), default=0)
        self._selves = {form: _Self(form) for form in ordered}
        long_forms = [form for form in ordered if len(form) >= _LONG_BYTES]
        is_tabled = len(long_forms) > _FEW
        self._tabled = long_forms if is_tabled else []
        self._single = [form for form in ordered if not is_tabled or len(form) < _LONG_BYTES]
        self._blocks = {
            int.from_bytes(form[at : at + _BLOCK_BYTES], _ORDER)
            for form in self._tabled
            for at in range(_BLOCK_BYTES)
        }
        self._by_key: dict[bytes, list[bytes]] = {}
        for form in ordered:
            self._by_key.setdefault(form[:_KEY_BYTES], []).append(form)
        self._keys = {int.from_bytes(key, _ORDER) for key in self._by_key}
        self._beginnings = {form[:n] for form in ordered for n in range(1, _KEY_BYTES)}

    def stream(self) -> "MaskedStream":
        """What masks one stream of bytes."""
        return MaskedStream(self)

    def masked(self, data: bytes) -> bytes:
        """All of a text or a file, masked."""
        stream = self.stream()
        return stream.feed(data) + stream.finish()

    def masked_text(self, text: str) -> str:
        """The same for a text; what it holds is never longer than it was."""
        return self.masked(text.encode(errors="surrogatepass")).decode(errors="surrogatepass")

    def forms_in(self, data: bytes) -> list[bytes]:
        """The forms that occur."""
        found = [form for form in self._single if form in data]
        whole = len(data) - len(data) % _BLOCK_BYTES
        if self._tabled and not self._blocks.isdisjoint(memoryview(data)[:whole].cast("Q")):
            found += [form for form in self._tabled if form in data]
        return found

    def spans(self, data: bytes, forms: Iterable[bytes]) -> list[Span]:
        """Where these forms are, in order; spans that overlap are one."""
        found: list[Span] = []
        for form in forms:
            at = data.find(form)
            while at >= 0:
                end = self._selves[form].end_of_run(data, at)
                found.append((at, end))
                at = data.find(form, end - len(form) + 1)
        return _merged(found)

    def is_apart(self, form: bytes, data: bytes) -> bool:
        """Whether a form nowhere overlaps itself."""
        return not self._selves[form].overlaps_in(data)

    def unfinished(self, data: bytes) -> int:
        """Where the longest end of `data` begins that more bytes could make a form of; its length
        where there is none."""
        end = len(data)
        first = max(0, end - self.longest_bytes + 1)
        for at in range(first, end - _KEY_BYTES + 1) if self._has_key(data[first:]) else ():
            forms = self._by_key.get(data[at : at + _KEY_BYTES])
            if forms is not None and any(form.startswith(data[at:]) for form in forms):
                return at
        for at in range(max(0, end - _KEY_BYTES + 1), end):
            if data[at:] in self._beginnings:
                return at
        return end

    def _has_key(self, data: bytes) -> bool:
        """Whether the first bytes of any form occur; short data isn't worth the question."""
        if len(data) < _WORTHWHILE_BYTES:
            return True
        for shift in range(_KEY_BYTES):
            whole = len(data) - shift - (len(data) - shift) % _KEY_BYTES
            blocks = memoryview(data)[shift : shift + whole].cast("I")
            if not self._keys.isdisjoint(blocks):
                return True
        return False


class MaskedStream:
    """One stream, masked as it comes. What could be the beginning of a form is held back, at most
    `longest_bytes - 1`, until more has come."""

    def __init__(self, mask: Mask) -> None:
        self._mask = mask
        self._held = b""
        self._covered = 0
        """How much of the beginning of what is held belongs to a `***` already given out."""

    def feed(self, data: bytes | memoryview) -> bytes:
        """What is certain now."""
        window = self._held + data
        return self._give(window, self._mask.unfinished(window))

    def finish(self) -> bytes:
        """The rest; nothing more comes."""
        return self._give(self._held, len(self._held))

    def _give(self, window: bytes, until: int) -> bytes:
        """What is to be seen of the window up to `until`; the rest is held back."""
        forms = self._mask.forms_in(window)
        self._held = window[until:]
        if not forms and not self._covered:
            return window[:until]
        if len(forms) == 1 and self._is_simple(forms[0], window, until):
            return window[:until].replace(forms[0], MASK)
        parts: list[bytes] = []
        at = self._covered
        for start, end in self._mask.spans(window, forms):
            if start >= until:
                break
            if start >= at:
                parts += (window[at:start], MASK)
            at = max(at, end)
        parts.append(window[at:until])
        self._covered = max(0, at - until)
        return b"".join(parts)

    def _is_simple(self, form: bytes, window: bytes, until: int) -> bool:
        """Whether nothing overlaps: neither the form itself, nor a `***` that was given out, nor
        `until`."""
        around = window.find(form, max(0, until - len(form) + 1), until + len(form) - 1)
        return not self._covered and around < 0 and self._mask.is_apart(form, window)


class _Self:
    """How a form can overlap itself.

    Its period is the smallest distance at which it can follow itself. A run is the form and what
    makes further occurrences at multiples of that distance, so that `aaaa` in a flood of `a` is
    found once and not at every place.
    """

    def __init__(self, form: bytes) -> None:
        self._size = len(form)
        shifts = _shifts(form)
        self._overlaps = [form + form[-shift:] for shift in shifts[:_MOST_OVERLAPS]]
        self._is_known = len(shifts) <= _MOST_OVERLAPS
        self._run: re.Pattern[bytes] | None = None
        if shifts:
            again = re.escape(form[-shifts[0] :])
            self._run = re.compile(re.escape(form) + b"(?:" + again + b")*+")

    def end_of_run(self, data: bytes, at: int) -> int:
        """The end of the run that begins at `at`, where the form occurs."""
        run = None if self._run is None else self._run.match(data, at)
        return at + self._size if run is None else run.end()

    def overlaps_in(self, data: bytes) -> bool:
        """Whether two occurrences overlap; also true where that takes too long to tell."""
        return not self._is_known or any(overlap in data for overlap in self._overlaps)


def _merged(spans: list[Span]) -> list[Span]:
    if not spans:
        return spans
    spans.sort()
    merged: list[Span] = []
    first, last = spans[0]
    for start, end in spans:
        if start >= last:
            merged.append((first, last))
            first, last = start, end
        else:
            last = max(last, end)
    merged.append((first, last))
    return merged


def _shifts(form: bytes) -> list[int]:
    """The distances at which a text can follow itself and overlap, smallest first: all but the
    lengths of its borders (Knuth, Morris, Pratt)."""
    borders = [0] * len(form)
    length = 0
    for at in range(1, len(form)):
        while length and form[at] != form[length]:
            length = borders[length - 1]
        length += form[at] == form[length]
        borders[at] = length
    shifts: list[int] = []
    while length:
        shifts.append(len(form) - length)
        length = borders[length - 1]
    return shifts
