"""The catalogue of diagnostic codes: a headline for each, and its page for `orch explain`."""

import os
from collections.abc import Mapping
from types import MappingProxyType

CODES: Mapping[str, str] = MappingProxyType(
    {
        "E0001": "a file can't be read",
        "E0002": "a file is not UTF-8, or holds NUL",
        "E0003": "a file is larger than 16 MiB",
        "E0004": "a used file lies outside the project root",
        "E0005": "a library, a file without a `pipeline` block, can't be run",
        "E0006": "this version of orch is ruled out by `requires`",
        "E0101": "a piece of text doesn't belong where it stands",
        "E0102": "a bracket or brace is never closed",
        "E0103": "a string, a block string or a `{{` is never closed",
        "E0104": "no token begins with this character",
        "E0105": "a number, a unit or an escape is malformed",
        "E0106": "a setting has no value behind its `=`",
        "E0107": "brackets, braces or types are nested deeper than 64 levels",
        "E0201": "no stage, service or alias has this name",
        "E0202": "a name is defined twice",
        "E0203": "a template uses an unknown name",
        "E0204": "no block begins with this keyword",
        "E0205": "a block has no such setting",
        "E0206": "no pool has this name",
        "E0207": "no secret has this name",
        "E0208": "an argument is given for a parameter that isn't declared",
        "E0209": "a setting or a block is given twice",
        "E0210": "a name isn't allowed here",
        "E0301": "definitions need each other in a circle",
        "E0302": "a stage needs itself",
        "E0303": "a pipeline has no stages",
        "E0304": "files use each other in a circle",
        "E0305": "a stage reads from one that doesn't come before it",
        "E0306": "a matrix selector matches no stage",
        "E0307": "there are too many stages, combinations or items",
        "E0308": "files use each other more than 16 levels deep",
        "E0309": "a `finally` stage takes part in `needs`",
        "E0401": "a value has the wrong type",
        "E0402": "a value is none of those allowed",
        "E0403": "a required setting is missing",
        "E0404": "a required parameter has no argument",
        "E0405": "a matrix is empty, or repeats a combination",
        "E0406": "a stage doesn't declare this value",
        "E0407": "a glob is malformed, or a path leaves the project root",
        "E0408": "no environment variable can have this name",
        "E0409": "a regular expression is malformed",
        "E0410": "a range begins above its end",
        "E0501": "a template holds no expression",
        "E0502": "a template uses a construct that templates may not use",
        "E0503": "no filter or function has this name",
        "E0504": "a template stands where escaping can't be proved safe",
        "E0505": "a secret is used in a template",
        "E0506": "an expression can't be evaluated, or goes past a limit",
        "E0507": "a value known only while running stands where it is needed before",
        "E0508": "a value has a kind that a command can't hold",
        "E0601": "bounds contradict each other",
        "E0602": "the waits for the lock add up to 3 seconds or more",
        "E0603": "a setting belongs at the top of the file",
        "W0701": "something is declared and never used",
        "W0702": "`raw` puts a value into a command unescaped",
        "W0703": "a value reaches a second reader, which takes it apart again",
        "W0704": "a value that may begin with `-` is a word of its own",
        "W0705": "a stage can never run",
        "W0706": "ShellCheck found something in a script",
    }
)


def page(code: str) -> str:
    """The page that explains a code, as Markdown.

    Raises `KeyError` for a code that the catalogue doesn't have.
    """
    if code not in CODES:
        raise KeyError(code)
    with open(f"{_PAGES}/{code}.md", encoding="utf-8") as file:
        return file.read()


_PAGES = f"{os.path.dirname(os.path.dirname(__file__))}/explanations"
