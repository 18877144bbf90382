"""The room `orch.runtime`, doing: the scheduler, the wardens, the journal, what a run leaves."""

if __name__ != "orch.runtime":
    raise ImportError(f"{__name__} is the room `orch.runtime`: import it by that name")
