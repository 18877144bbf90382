"""The room `orch.cli`, the `orch` command: thin, it draws what the rooms return."""

if __name__ != "orch.cli":
    raise ImportError(f"{__name__} is the room `orch.cli`: import it by that name")
