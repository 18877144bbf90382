"""Exceptions of the rooms below that speak to people already, and the exit code each deserves."""

from orch.cli.failure import EXIT_MACHINE, EXIT_USAGE


def foreseen_exit_code(error: Exception) -> int | None:
    """The exit code for an error whose message is meant for people; None for a bug of ours."""
    # Whoever raised these has imported their modules already; this costs nothing before a failure.
    from orch.compiler.plan import PlanFormatError
    from orch.runtime.files import StorageError
    from orch.runtime.ids import InvalidIdError
    from orch.runtime.journal import JournalDamagedError
    from orch.runtime.manifest import EventMismatchError, ManifestFormatError
    from orch.runtime.paths import PlaceError, RunNotFoundError
    from orch.runtime.run import RunRefusedError

    if isinstance(error, (InvalidIdError, PlaceError, RunNotFoundError, RunRefusedError)):
        return EXIT_USAGE
    storage = (StorageError, PlanFormatError, JournalDamagedError, ManifestFormatError)
    if isinstance(error, (*storage, EventMismatchError)):
        return EXIT_MACHINE
    return None
