"""What an editor and the server have together: the projects of the files that are open."""

import os

from orch.cli.lsp.positions import UTF_16
from orch.cli.lsp.project import Project
from orch.cli.project import nearest_root


class Session:
    """With `root` all files are taken for those of one project; else each belongs to the nearest
    folder upwards that is a project's root, as with any other command."""

    def __init__(self, root: str | None) -> None:
        self._root = root
        self._projects: dict[str, Project] = {}
        self.encoding = UTF_16

    @property
    def projects(self) -> tuple[Project, ...]:
        return tuple(self._projects.values())

    def find(self, file: str) -> tuple[Project, str]:
        """The project that a file belongs to, and the file's path in it. One that lies outside of
        the root that was given is a project of its own folder's."""
        folder, name = os.path.split(file)
        folder = os.path.realpath(folder)
        root = self._root
        if root is None or os.path.commonpath((root, folder)) != root:
            root = nearest_root(folder)
        project = self._projects.setdefault(root, Project(root, self.encoding))
        return project, os.path.relpath(f"{folder}/{name}", root)
