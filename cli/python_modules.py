"""Which modules a Python has, as the folders beside it say; it isn't started to be asked."""

import shutil
import sys
from pathlib import Path


def lacks_module(program: str, module: str, root: str) -> bool:
    """Whether a Python, by its name or by its path in the project, has no such module installed.

    False where that isn't known: a Python without folders of packages, or a virtual environment
    that takes those of the system too.
    """
    if module in sys.stdlib_module_names:
        return False
    found = f"{root}/{program}" if "/" in program else shutil.which(program)
    folders = [] if found is None else _packages(Path(found))
    return bool(folders) and not any(
        (folder / name).exists() for folder in folders for name in (module, f"{module}.py")
    )


def _packages(program: Path) -> list[Path]:
    """The folders of packages of a Python; none where others may count too."""
    prefix = program.parent.parent
    try:
        settings = (prefix / "pyvenv.cfg").read_text(encoding="utf-8", errors="replace")
    except OSError:
        prefix = program.resolve().parent.parent
        prefixes = [prefix, prefix / "local", Path.home() / ".local"]
    else:
        is_shared = "include-system-site-packages = true" in settings.lower()
        prefixes = [] if is_shared else [prefix]
    return [
        folder
        for each in prefixes
        for kind in ("site-packages", "dist-packages")
        for folder in each.glob(f"lib/python3*/{kind}")
    ]
