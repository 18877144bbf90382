"""Starting the command of an attempt: its folder, its program, its descriptors, or why not."""

import errno
import os
import stat

from orch.dsl.type_names import Any
from orch.runtime import system
from orch.runtime.attempt import AttemptSpec
from orch.runtime.files import shortage
from orch.runtime.signals import ALL_SIGNALS

_SHEBANG_BYTES = 256


class SpawnError(Exception):
    """The command could not be started; the text tells people why and what to do."""

    is_shortage = False
    """The machine lacks what orch needs for it: space, descriptors."""


def lacking(what: str, error: OSError) -> SpawnError:
    """The error where there is not `what` the start of a command takes."""
    text = shortage(error)
    spawn_error = SpawnError(f"{what}: {text or (error.strerror or str(error)).lower()}")
    spawn_error.is_shortage = text is not None
    return spawn_error


def spawn(spec: AttemptSpec, stdout: int, stderr: int) -> int:
    """Start the command in a session of its own and return its pid.

    It gets an empty signal mask, default actions for all signals, and no descriptors but 0, 1
    and 2. The working directory of this process is the command's afterwards. Raises SpawnError.
    """
    _enter(spec.cwd)
    program = _find_program(spec)
    stdin = None if spec.stdin is None else _stdin_file(spec.stdin)
    try:
        actions = _descriptors(spec, stdin, stdout, stderr)
        return system.spawn(
            program,
            spec.argv,
            spec.env,
            file_actions=actions,
            setsid=True,
            setsigmask=(),
            setsigdef=ALL_SIGNALS,
        )
    except OSError as error:
        raise SpawnError(_explain(spec, program, error)) from None
    except ValueError:
        raise SpawnError(
            f"`{spec.argv[0]}` can't be started: its arguments or its environment hold a character "
            f"that the system does not allow there (a NUL, or `=` in the name of a variable)"
        ) from None
    finally:
        if stdin is not None:
            os.close(stdin)


def _descriptors(spec: AttemptSpec, stdin: int | None, stdout: int, stderr: int) -> list[Any]:
    """What becomes 0, 1 and 2 of the command, after it has got its session. A terminal is opened
    there, which makes it the controlling one."""
    actions: list[Any] = [(os.POSIX_SPAWN_DUP2, stdout, 1), (os.POSIX_SPAWN_DUP2, stderr, 2)]
    if spec.has_terminal:
        actions[0] = (os.POSIX_SPAWN_OPEN, 1, os.ttyname(stdout), os.O_RDWR, 0)
        stdin = 1 if stdin is None else stdin
    if stdin is not None:
        actions.append((os.POSIX_SPAWN_DUP2, stdin, 0))
    return actions


def _enter(cwd: str) -> None:
    try:
        os.chdir(cwd)
    except FileNotFoundError:
        raise SpawnError(
            f"no such folder: `{cwd}`, in which the command was to run; make it, or mend `cwd`"
        ) from None
    except NotADirectoryError:
        raise SpawnError(f"`{cwd}`, in which the command was to run, is not a folder") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise SpawnError(
            f"`{cwd}`, in which the command was to run, can't be entered: {reason}"
        ) from None


def _find_program(spec: AttemptSpec) -> str:
    """The file to execute: as written when it holds a slash, else the first executable file of
    that name in the command's own PATH, which is read from its working directory."""
    name = spec.argv[0] if spec.argv else ""
    if not name:
        raise SpawnError("the name of the program is empty")
    if "/" in name:
        return name
    folders = spec.env.get("PATH", os.defpath).split(os.pathsep)
    refused: str | None = None
    for folder in folders:
        path = f"{folder or '.'}/{name}"
        try:
            is_file = stat.S_ISREG(os.stat(path).st_mode)
        except (OSError, ValueError):
            continue
        if is_file and os.access(path, os.X_OK):
            return path
        if is_file and refused is None:
            refused = path
    if refused is not None:
        raise SpawnError(_not_executable(refused))
    where = ", ".join(folders)
    raise SpawnError(
        f"`{name}` was not found in PATH ({where}); install it, or write its path, or set PATH"
    )


def _stdin_file(text: str) -> int:
    """An unnamed file that holds the text, at its beginning: it needs no one to feed it, so a
    command that does not read it can't hold anything up."""
    try:
        if hasattr(os, "memfd_create"):
            fd = os.memfd_create("stdin")
        else:
            from tempfile import TemporaryFile

            with TemporaryFile() as file:
                fd = os.dup(file.fileno())
        try:
            data = memoryview(text.encode("utf-8", "surrogateescape"))
            while data:
                data = data[os.write(fd, data) :]
            os.lseek(fd, 0, os.SEEK_SET)
        except (OSError, UnicodeEncodeError):
            os.close(fd)
            raise
    except UnicodeEncodeError:
        raise SpawnError("the standard input holds a character that UTF-8 does not have") from None
    except OSError as error:
        raise lacking("the standard input can't be prepared", error) from None
    return fd


def _explain(spec: AttemptSpec, program: str, error: OSError) -> str:
    match error.errno:
        case errno.ENOENT | errno.ENOTDIR:
            text = _not_found(spec, program)
        case errno.EACCES:
            text = _not_executable(program)
        case errno.ENOEXEC:
            text = (
                f"`{program}` is neither a program of this machine nor a script whose first line "
                f"begins with `#!`; add that line, or run it as `sh {program}`"
            )
        case errno.E2BIG:
            text = (
                f"the arguments or the environment of `{program}` are larger than the system "
                f"allows; hand the data over in a file or by `stdin`"
            )
        case errno.EAGAIN | errno.ENOMEM:
            text = (
                f"`{program}` can't be started: the machine has no process or memory left for it "
                f"({error.strerror}); lower `concurrency`, or raise the limit (`ulimit -u`)"
            )
        case _:
            text = f"`{program}` can't be started: {error.strerror}"
    return text


def _not_found(spec: AttemptSpec, program: str) -> str:
    interpreter = _interpreter(program)
    if interpreter:
        return (
            f"`{program}` names `{interpreter}` in its first line, and there is no such program; "
            f"install it, or mend that line"
        )
    return f"no such program: `{program}`, seen from `{spec.cwd.removesuffix('/.')}`"


def _not_executable(path: str) -> str:
    if os.path.isdir(path):
        return f"`{path}` is a folder, not a program"
    return f"`{path}` is not executable; `chmod +x {path}`, or run it by its interpreter"


def _interpreter(path: str) -> str:
    """What the first line of a script names after `#!`; empty when there is no such line."""
    try:
        with open(path, "rb") as file:
            line = file.read(_SHEBANG_BYTES).partition(b"\n")[0]
    except OSError:
        return ""
    words = line[2:].split() if line.startswith(b"#!") else []
    return os.fsdecode(words[0]) if words else ""


def spawn_captured(spec: AttemptSpec) -> tuple[int, tuple[int, int]]:
    """Start the command with streams of its own. Its pid, and the ends from which its standard
    output and standard error are read. Raises SpawnError."""
    pipes = _output_pipes(has_terminal=spec.has_terminal)
    try:
        pid = spawn(spec, pipes[0][1], pipes[1][1])
    except BaseException:
        for reader, _ in pipes:
            os.close(reader)
        raise
    finally:
        for _, writer in pipes:
            os.close(writer)
    return pid, (pipes[0][0], pipes[1][0])


def _output_pipes(*, has_terminal: bool) -> list[tuple[int, int]]:
    pipes: list[tuple[int, int]] = []
    try:
        if has_terminal:
            # Whoever runs such a plan has imported this before the warden was forked.
            from orch.runtime.terminals import open_terminals

            return open_terminals()
        pipes += [system.pipe()]
        pipes += [system.pipe()]
    except OSError as error:
        for fd in (fd for pipe in pipes for fd in pipe):
            os.close(fd)
        what = "terminals" if has_terminal else "pipes"
        raise lacking(f"no {what} for its output", error) from None
    return pipes
