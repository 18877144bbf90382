"""`orch schema NAME`: the JSON Schemas of what orch writes."""

import json

import click

from orch.cli.face import Face
from orch.cli.failure import CommandError
from orch.cli.options import Command, face_options


@click.command(
    cls=Command,
    examples=(
        "orch schema manifest > manifest.schema.json",
        "orch schema              the names of all of them",
    ),
)
@click.argument("name", required=False, metavar="[NAME]")
@face_options("text", "json")
def command(*, name: str | None, face: Face) -> int:
    """Print the JSON Schema of what orch writes: plans, diagnostics, manifests and so on.

    Without NAME the names are listed.
    """
    from orch.runtime.schemas import schema_names, schema_of

    names = schema_names()
    if name is None:
        if face.is_text:
            face.say("".join(f"{known}\n" for known in names))
        else:
            face.print_json({"schemas": list(names)})
        return 0
    if name not in names:
        from orch.dsl.suggest import near_miss

        hint = near_miss(name, names)
        raise CommandError(
            f"there is no schema `{name}`" + (f"; did you mean `{hint}`?" if hint else ""),
            help_text=f"There are {', '.join(names)}.",
        )
    schema = schema_of(name)
    if face.is_text:
        face.say(json.dumps(schema, indent=2, ensure_ascii=False) + "\n")
    else:
        face.print_json(schema)
    return 0
