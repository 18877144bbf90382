"""A run in the log of GitHub Actions: its lines in a group that can be unfolded.

What comes after the group, the last screen, is what a person sees of the log at first. No line of a
stage's output begins a line here, and `Terminal.harmless` sees to the rest, so that none is taken
for a command.
"""

from collections.abc import Iterator

from orch.cli.view import PlainView
from orch.runtime.events import RunEvent, RunResumed, RunStarted


class GroupedView(PlainView):
    """Plain lines, the headline of the run as the name of their group."""

    _is_open = False

    def close(self) -> None:
        """End the group, where one has begun."""
        if self._is_open:
            self._keep(iter(("::endgroup::",)))
        super().close()

    def _lines(self, event: RunEvent) -> Iterator[str]:
        lines = super()._lines(event)
        if isinstance(event.payload, (RunStarted, RunResumed)):
            for line in lines:
                yield line if self._is_open else f"::group::{line}"
                self._is_open = True
        else:
            yield from lines
