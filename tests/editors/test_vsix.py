"""The package of VS Code's extension holds all that it names, and runs what it says."""

import json
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
VSCODE = ROOT / "editors" / "vscode"


@pytest.fixture(scope="module")
def package() -> zipfile.ZipFile:
    """What `make vscode` makes."""
    subprocess.run(["make", "vscode"], cwd=ROOT, capture_output=True, text=True, check=True)
    (path,) = (ROOT / "build").glob("orch-pipeline-*.vsix")
    return zipfile.ZipFile(path)


def manifest(package: zipfile.ZipFile) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(package.read("extension/package.json"))
    return found


def test_everything_that_the_manifest_names_is_inside(package: zipfile.ZipFile) -> None:
    """And little else: no test, no source, no library that nobody loads."""
    names = set(package.namelist())
    told = manifest(package)
    wanted = {told["main"]}
    wanted |= {language["configuration"] for language in told["contributes"]["languages"]}
    wanted |= {grammar["path"] for grammar in told["contributes"]["grammars"]}
    assert {f"extension/{path.removeprefix('./')}" for path in wanted} < names
    assert {"extension/readme.md", "extension/LICENSE.txt", "extension/dist/LICENSES.txt"} < names
    assert len(names) == 10
    assert sum(info.compress_size for info in package.infolist()) < 200_000


def test_the_grammar_inside_is_the_one_that_is_tested(package: zipfile.ZipFile) -> None:
    """Byte for byte."""
    for path in ("syntaxes/pipeline.tmLanguage.json", "syntaxes/markdown.tmLanguage.json"):
        assert package.read(f"extension/{path}") == (VSCODE / path).read_bytes()


def test_scopes_of_scripts_lead_to_their_languages(package: zipfile.ZipFile) -> None:
    """Each one that the grammar gives a script, so that comments and brackets are its own."""
    grammar = json.loads(package.read("extension/syntaxes/pipeline.tmLanguage.json"))
    given = {
        scope.removesuffix(".pipeline")
        for scope in _names_in(grammar)
        if scope.startswith("meta.embedded")
    }
    (mapped,) = (
        each["embeddedLanguages"]
        for each in manifest(package)["contributes"]["grammars"]
        if each["scopeName"] == "source.pipeline"
    )
    assert given == {scope for scope in mapped if scope.startswith("meta.embedded")}


def _names_in(value: Any) -> set[str]:
    """All scopes of a grammar."""
    match value:
        case {"name": str(name), **rest}:
            return set(name.split()) | _names_in(rest)
        case dict():
            return set().union(*map(_names_in, value.values()))
        case list():
            return set().union(*map(_names_in, value))
        case _:
            return set()


def test_the_extension_starts_the_command_of_the_settings(
    package: zipfile.ZipFile, tmp_path: Path
) -> None:
    """With the folder that is open put in; never in a folder that nobody trusts."""
    package.extract("extension/dist/extension.js", tmp_path)
    (tmp_path / "orch").write_text('#!/bin/sh\necho "$0 $*" >> started\n', encoding="utf-8")
    (tmp_path / "orch").chmod(0o755)
    program = Path(__file__).with_name("extension.mjs")
    extension = tmp_path / "extension" / "dist" / "extension.js"
    for trust, wanted in (("untrusted", ""), ("trusted", f"{tmp_path}/orch lsp --stdio\n")):
        done = subprocess.run(
            ["node", str(program), str(extension), str(tmp_path), trust],
            cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        started = tmp_path / "started"
        assert (started.read_text(encoding="utf-8") if started.exists() else "") == wanted
