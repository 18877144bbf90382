"""The room `orch.dsl`, text: grammar, tree with spans, diagnostics."""

if __name__ != "orch.dsl":
    raise ImportError(f"{__name__} is the room `orch.dsl`: import it by that name")
