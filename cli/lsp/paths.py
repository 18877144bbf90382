"""Files and folders of a project as one types their path."""

import os
from itertools import islice
from posixpath import join, normpath

from orch.cli.lsp.project import Project
from orch.compiler.project_files import is_below_root
from orch.dsl.record import record

_MOST_FILES = 500


@record
class Candidate:
    """A name in a folder, with a slash behind it if it is a folder itself; `typed` is how much of
    its beginning stands there already."""

    name: str
    is_folder: bool
    typed: int


def candidates(project: Project, folder: str, typed: str) -> list[Candidate]:
    """What a path that begins with `typed` may go on with; paths are relative to `folder`, which is
    relative to the root. Nothing outside of the project, and nothing hidden."""
    before, _, last = typed.lstrip("!").rpartition("/")
    within = normpath(join(folder, before or "."))
    root = os.path.realpath(project.root)
    if not is_below_root(root, within):
        return []
    try:
        with os.scandir(os.path.join(root, within)) as listing:
            found = sorted((e.name, e.is_dir()) for e in islice(listing, _MOST_FILES))
    except (OSError, ValueError):
        return []
    return [
        Candidate(f"{name}/" if is_folder else name, is_folder, len(last))
        for name, is_folder in found
        if not name.startswith(".")
    ]
