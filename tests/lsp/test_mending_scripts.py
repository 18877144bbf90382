"""What ShellCheck finds in a script can be mended, or meant: it says no more of it then."""

from pathlib import Path

import pytest

from orch.cli.lsp.mending import Mending, mendings
from orch.cli.lsp.renaming import edited
from orch.cli.shellcheck import shell_findings
from orch.compiler.compile import compile_pipeline
from orch.compiler.request import Request
from orch.dsl.pieces import in_pieces
from tests.cli.test_shellcheck import SHELLCHECK, findings

MAIN = "main.pipeline"


def offered(root: Path, text: str) -> list[Mending]:
    """What is offered for the first finding."""
    (root / MAIN).write_text(text, encoding="utf-8")
    compilation = compile_pipeline(str(root), MAIN, Request(demand_arguments=False))
    found = shell_findings(SHELLCHECK, compilation.scripts, compilation.sources).diagnostics
    return list(mendings(found[0], {MAIN: in_pieces(MAIN, text)}.get))


@pytest.mark.parametrize(
    ("script", "title", "mended"),
    [
        ('"cat $x"', "Put it into quotes", '"cat \\"$x\\""'),
        ("'cat ${x}'", "Put it into quotes", "'cat \"${x}\"'"),
        ('"""\n  cat $x\n"""', "Put it into quotes", '"""\n  cat "$x"\n"""'),
        ('"""cat $x"""', "Put it into quotes", '"""cat "$x" """'),
        ('"cat $x"', "Let", '"# shellcheck disable=SC2086\\ncat $x"'),
        (
            "'cat \"\\a\" $x'",
            "Let",
            '"# shellcheck disable=SC2086\\ncat \\"\\\\a\\" $x"',
        ),
        (
            '"""\n\n    if :; then\n      cat $x\n    fi\n  """',
            "Let",
            '"""\n    # shellcheck disable=SC2086\n\n    if :; then\n      cat $x\n    fi\n  """',
        ),
        (
            "'''ls\n    cat $x\n  '''",
            "Let",
            "'''# shellcheck disable=SC2086\n    ls\n    cat $x\n  '''",
        ),
        ('"cd $HOME/a b; ls"', "Let", '"# shellcheck disable=SC2086\\ncd $HOME/a b; ls"'),
    ],
)
def test_a_finding_is_followed_or_meant(
    script: str, title: str, mended: str, tmp_path: Path
) -> None:
    """By quotes around a variable, or by ShellCheck's own word for it at the script's beginning."""
    text = f"pipeline demo {{ }}\nstage a {{ run = {script} }}\n"
    chosen = next(each for each in offered(tmp_path, text) if each.title.startswith(title))
    after = edited(text, list(chosen.edits[MAIN]))
    assert after == f"pipeline demo {{ }}\nstage a {{ run = {mended} }}\n"
    assert len(findings(tmp_path, after)) < len(findings(tmp_path, text))


@pytest.mark.parametrize("script", ['"if true; then ls"', "'cat $x ${#x} {#x#}'"])
def test_what_is_no_shell_or_no_plain_text_gets_no_word_for_shellcheck(
    script: str, tmp_path: Path
) -> None:
    """It would say so all the same, or the text would be another one."""
    text = f"pipeline demo {{ }}\nstage a {{ run = {script} }}\n"
    assert not [m for m in offered(tmp_path, text) if m.title.startswith("Let")]
