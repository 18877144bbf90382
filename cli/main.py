"""The `orch` command: reads what was asked for, does it, turns failures into words."""

import os
import sys

from orch.cli.lasting import Lasting
from orch.dsl.type_names import Callable, NoReturn

EXIT_MACHINE = 3
EXIT_INTERRUPTED = 130


def program() -> NoReturn:
    """The `orch` program: ends with the exit code of its command line.

    It ends at once. Everything has been written to its descriptor, and what orch held is the
    kernel's to take back; taking the interpreter apart first costs a tenth of a small run.
    """
    os._exit(main())


def main(arguments: list[str] | None = None) -> int:
    """Run one command line and return its exit code (runtime.md section 9).

    Data goes to stdout, words about failures to stderr; no exception leaves this function. All
    imports are made in it, so that an interrupt while they are under way ends it quietly too.
    """
    try:
        return _main(sys.argv[1:] if arguments is None else arguments)
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED


def _main(arguments: list[str]) -> int:
    from orch.cli.writer import STDERR, STDOUT, keep_standard_descriptors

    keep_standard_descriptors()
    try:
        exit_code = _run_command(arguments)
        STDOUT.write()
        STDERR.write()
    except KeyboardInterrupt:
        exit_code = EXIT_INTERRUPTED
    if STDOUT.error is not None:
        _say(f"orch: can't write to stdout: {STDOUT.error.strerror}")
        exit_code = exit_code or EXIT_MACHINE
    return exit_code


def _run_command(arguments: list[str]) -> int:
    from orch.cli.failure import CommandError
    from orch.cli.visible import visible

    try:
        return _act(arguments)()
    except CommandError as failure:
        _say(f"orch: {visible(failure.message)}")
        if failure.help_text:
            _say(visible(failure.help_text))
        return _as_document(arguments, failure.exit_code, failure.message)
    except Exception as error:  # noqa: BLE001 # The last resort of the whole program.
        return _as_document(arguments, report(error), _message(error))


def _act(arguments: list[str]) -> Callable[[], int]:
    """What the words ask for."""
    with Lasting():
        from orch.cli.plain import plain_command

        act = plain_command(arguments)
        if act is not None:
            return act
        from orch.cli.commands import run_command

        return lambda: run_command(arguments)


def _as_document(arguments: list[str], exit_code: int, message: str) -> int:
    """Where JSON was asked for, a failure is a document too: `{"error": {…}}` on stdout."""
    # Behind `--` stand no options of ours: `orch exec -- tool --format json`.
    end = arguments.index("--") if "--" in arguments else len(arguments)
    text = " ".join(arguments[:end])
    if "--format json" in text or "--format=json" in text:
        from orch.cli.writer import STDOUT
        from orch.runtime.files import json_line

        STDOUT.write(json_line({"error": {"exit_code": exit_code, "message": message}}))
    return exit_code


def report(error: Exception) -> int:
    """Say on stderr what an exception that no command caught means; gives its exit code."""
    lines, exit_code = explain(error)
    for line in lines:
        _say(line)
    return exit_code


def explain(error: Exception) -> tuple[list[str], int]:
    """Words for an exception that no command caught, an error of the machine or a bug of ours, and
    the exit code that it deserves."""
    from orch.cli.foreseen import foreseen_exit_code
    from orch.cli.visible import visible

    exit_code = foreseen_exit_code(error)
    lines: list[str] = []
    if os.environ.get("ORCH_DEBUG"):
        import traceback

        lines.append("".join(traceback.format_exception(error)).rstrip())
    if exit_code is not None:
        return [*lines, f"orch: {visible(str(error))}"], exit_code
    if isinstance(error, OSError):
        return [*lines, f"orch: {visible(_message(error))}"], EXIT_MACHINE
    kind = type(error).__name__
    lines += [
        f"orch failed inside: {kind}: {visible(str(error))} (at {_innermost_place(error)})",
        "This is a bug of orch, please report it; ORCH_DEBUG=1 shows all of it.",
    ]
    return lines, EXIT_MACHINE


def _message(error: Exception) -> str:
    import errno

    if not isinstance(error, OSError) or error.strerror is None:
        return str(error)
    where = f" {error.filename}:" if error.filename else ""
    advice = "; raise the limit on open files (ulimit -n)" if error.errno == errno.EMFILE else ""
    return f"can't go on:{where} {error.strerror.lower()}{advice}"


def _innermost_place(error: Exception) -> str:
    """The file and line that raised."""
    from traceback import extract_tb

    frames = extract_tb(error.__traceback__)
    if not frames:
        return "unknown"
    return f"{'/'.join(frames[-1].filename.split('/')[-2:])}:{frames[-1].lineno}"


def _say(text: str) -> None:
    from orch.cli.writer import STDERR

    STDERR.write(text.encode("utf-8", "backslashreplace") + b"\n")


if __name__ == "__main__":
    program()
