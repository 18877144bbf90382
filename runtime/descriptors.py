"""Whether a machine has what wardens take, and what to say where it hasn't: descriptors first."""

import errno
import os
import resource

# Beside two pipes for each warden: what orch opens for a moment, and what a warden opens that
# inherits the same limit.
_SPARE_DESCRIPTORS = 16
_LIMIT_STEP = 64

_WITHOUT_DESCRIPTORS = frozenset({errno.EMFILE, errno.ENFILE})


class NoWardenError(OSError):
    """The machine has no descriptors, processes or memory left for a warden; the message says
    which, for people, and what to do."""


def expect_descriptors(wardens: int) -> None:
    """Raises `NoWardenError` unless this process may open what so many more wardens take."""
    if wardens <= 0:
        return
    count = 2 * wardens + _SPARE_DESCRIPTORS
    held: list[int] = []
    try:
        held.append(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))
        while len(held) < count:
            held.append(os.dup(held[0]))
    except OSError as error:
        raise no_warden(error, count - len(held)) from None
    finally:
        for fd in held:
            os.close(fd)


def no_warden(error: OSError, missing: int = _SPARE_DESCRIPTORS) -> NoWardenError:
    """`missing`: by how many descriptors the limit should be raised."""
    if error.errno not in _WITHOUT_DESCRIPTORS:
        return NoWardenError(
            f"no stage can be started: the machine has no process or memory left for it "
            f"({(error.strerror or str(error)).lower()}); lower `--jobs`, or raise the limit "
            f"(`ulimit -u`)"
        )
    if error.errno == errno.ENFILE:
        return NoWardenError("no stage can be started: the machine has no file descriptors left")
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    enough = -(-(limit + missing) // _LIMIT_STEP) * _LIMIT_STEP
    return NoWardenError(
        f"no stage can be started: orch may have {limit} files open at once, and that is too few; "
        f"raise the limit on open files (`ulimit -n {enough}`), or lower `--jobs`"
    )
