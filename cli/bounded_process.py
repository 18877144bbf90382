"""A program that helps where it is installed: finding it, and its output within bounds of time and
size, whatever it does.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress


class ProcessFailedError(Exception):
    """What the program did instead, in words that follow its name."""


def find_program(name: str, environment: Mapping[str, str]) -> str | None:
    """The path of a program beside the running Python, else on PATH; None where it isn't there."""
    beside = os.path.dirname(sys.executable)
    for folder in (beside, *environment.get("PATH", "").split(os.pathsep)):
        path = os.path.join(folder, name)
        # An empty or relative entry would look into whatever folder orch was started in.
        if folder.startswith("/") and os.access(path, os.X_OK) and not os.path.isdir(path):
            return path
    return None


def output_of(words: Sequence[str], folder: str, longest_s: float, most_bytes: int) -> bytes:
    """What a program prints on stdout when it is started in `folder`, with nothing to read.

    Its exit code is not looked at. Raises `OSError` where it can't be started, and
    `ProcessFailedError` where it dies, takes too long or prints too much; then its whole process
    group is gone.
    """
    import signal
    import subprocess
    from threading import Timer

    process = subprocess.Popen(  # noqa: S603 # No shell: the words are arguments.
        words,
        cwd=folder,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    is_late = False

    def end() -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)

    def end_late() -> None:
        nonlocal is_late
        is_late = True
        end()

    timer = Timer(longest_s, end_late)
    timer.daemon = True
    timer.start()
    try:
        assert process.stdout is not None
        with process.stdout as stream:
            output = stream.read(most_bytes + 1)
        if len(output) <= most_bytes:
            process.wait()
    finally:
        timer.cancel()
        end()
        code = process.wait()
    if is_late:
        raise ProcessFailedError(f"took longer than {longest_s:g} s")
    if len(output) > most_bytes:
        raise ProcessFailedError("printed too much")
    if code < 0 and not output:
        raise ProcessFailedError(f"was ended by signal {-code}")
    return output
