"""The room `orch.compiler`, meaning: from trees to one checked, digested plan."""

if __name__ != "orch.compiler":
    raise ImportError(f"{__name__} is the room `orch.compiler`: import it by that name")
