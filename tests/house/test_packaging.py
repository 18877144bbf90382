"""What is built is what people need: real files of all rooms, and a command that works anywhere."""

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from orch.dsl.catalogue import CODES

ROOT = Path(__file__).parents[2]
ROOMS = ("dsl", "compiler", "runtime", "cli")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the sdist, built from a copy of the checkout."""
    folder = tmp_path_factory.mktemp("packaging")
    source = folder / "source"
    source.mkdir()
    ignore = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for name in (*ROOMS, "src", "docs", "tests"):
        shutil.copytree(ROOT / name, source / name, symlinks=True, ignore=ignore)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(source))
    shutil.rmtree(source)
    return folder


def run(*words: str, cwd: Path | None = None, path: str = "") -> str:
    """Standard output of a command that must succeed."""
    environment = {**os.environ, "PYTHONPATH": path}
    done = subprocess.run(
        words, cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def wanted() -> set[str]:
    """Every file of the rooms, as it must stand in the wheel."""
    files = {
        f"orch/{path.relative_to(ROOT).as_posix()}"
        for room in ROOMS
        for path in (ROOT / room).rglob("*")
        if path.suffix in {".py", ".lark", ".css", ".js"}
    }
    pages = {f"orch/explanations/{code}.md" for code in CODES}
    return files | pages | {"orch/__init__.py", "orch/py.typed"}


def test_the_wheel_holds_every_room_as_real_files_and_no_test(built: Path) -> None:
    """Links of the checkout become files; what is for developers stays outside."""
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        inside = {name for name in archive.namelist() if ".dist-info/" not in name}
        assert inside == wanted()
        entry = archive.read("orch/dsl/source.py")
    assert entry == (ROOT / "dsl" / "source.py").read_bytes()


def test_the_sdist_holds_no_link(built: Path) -> None:
    """It can be unpacked where links can't be made, and built again: the wheel came from it."""
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        members = archive.getmembers()
    assert [member.name for member in members if member.issym() or member.islnk()] == []
    inside = {member.name.partition("/")[2] for member in members}
    assert {f"src/{name}" for name in wanted()} <= inside


def test_the_installed_command_works_outside_the_checkout(built: Path, tmp_path: Path) -> None:
    """In a fresh environment, with no more than the declared dependencies beside it."""
    (wheel,) = built.glob("*.whl")
    run(sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "fresh"))
    python = str(tmp_path / "fresh" / "bin" / "python")
    run(
        sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", python,
        "install", "--quiet", "--no-deps", "--no-index", str(wheel),
    )  # fmt: skip

    beside = dependencies(tmp_path / "dependencies")
    command = str(tmp_path / "fresh" / "bin" / "orch")
    where = run(python, "-c", "import orch; print(orch.__file__)", cwd=tmp_path, path=beside)
    assert where.startswith(str(tmp_path / "fresh"))
    said = run(command, "--version", cwd=tmp_path, path=beside)
    assert wheel.name.split("-")[1] in said

    (tmp_path / "a.pipeline").write_text(
        'pipeline a { }\n\nstage hello { run = "echo hello" }\n', encoding="utf-8"
    )
    run(command, "check", "a.pipeline", cwd=tmp_path, path=beside)
    run(command, "run", "a.pipeline", cwd=tmp_path, path=beside)
    run(command, "report", "last", cwd=tmp_path, path=beside)
    assert "## Repair" in run(command, "explain", "E0201", cwd=tmp_path, path=beside)


def dependencies(folder: Path) -> str:
    """A folder of links to what orch declares that it needs, and to nothing else installed here."""
    folder.mkdir()
    wanted_names, seen = ["orch"], set[str]()
    while wanted_names:
        distribution = metadata.distribution(wanted_names.pop())
        for requirement in map(Requirement, distribution.requires or ()):
            is_due = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
            if is_due and requirement.name not in seen:
                seen.add(requirement.name)
                wanted_names.append(requirement.name)
                for file in metadata.files(requirement.name) or ():
                    link = folder / file.parts[0]
                    if file.parts[0] != ".." and not link.exists():
                        link.symlink_to(distribution_folder(requirement.name) / link.name)
    return str(folder)


def distribution_folder(name: str) -> Path:
    """The folder in which a distribution is installed."""
    return Path(str(metadata.distribution(name).locate_file("")))
