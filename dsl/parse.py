"""From a file's text to its syntax tree: the one function of this room."""

from orch.dsl.blocks import find_blocks
from orch.dsl.diagnostics import Diagnostic, sort_diagnostics
from orch.dsl.findings import Findings
from orch.dsl.grammar import read_block
from orch.dsl.lexer import lex
from orch.dsl.recovery import Recovery
from orch.dsl.source import SourceFile
from orch.dsl.tree import Block, SyntaxTree


def parse(source: SourceFile) -> tuple[SyntaxTree, tuple[Diagnostic, ...]]:
    """The tree of a file and everything that is wrong with its syntax, in the order of places.

    Never raises, whatever the text. Blocks and settings that could not be read are left out of the
    tree, and a block that lost something is marked `is_broken`; every such loss has a diagnostic.
    """
    findings = Findings(source.path)
    tokens, comments = lex(source, findings)
    found = find_blocks(source.text, tokens, findings)
    recovery = Recovery(source.text, findings, found.mended)
    blocks: list[Block] = []
    for begin, end in found.rows:
        row = found.tokens[begin:end]
        read = read_block(row)
        if isinstance(read, int) or recovery.is_mended(read.span):
            mended = recovery.block(row)
            blocks += [mended] if mended is not None else []
        else:
            blocks.append(read)
    kept = [
        d for d in findings.found
        if not (d.code == "E0104" and d.span and d.span.start in recovery.repeated)
    ]  # fmt: skip
    return SyntaxTree(source, tuple(blocks), comments), sort_diagnostics(kept)
