"""Values in arguments of the shells' own commands: only the known harmless ones are proved."""

import pytest

from orch.compiler.names import Scope
from tests.compiler.written import findings

SCOPE = Scope(lets={"w": "a b"})

REFUSED = [
    "a[b[0]+{{w}}]=1",
    "a[b[c[1]]]=1 PS4={{w}} x",
    "a[1 + {{w}}]=5",
    "y={{w}} a[1 + 2]=5",
    "x=([1 + {{w}}]=2)",
    "ls []{{w}}]*",
    "ls [[]x{{w}}]",
    "for RANDOM in {{w}}; do :; done",
    "select SECONDS in {{w}}; do :; done",
    "read OPTIND <<< {{w}}; declare -i n",
    "declare -i n; read n <<< {{w}}",
    "f() { local a; a=(1); local a={{w}}; }",
    "f() { local a; mapfile a; local a={{w}}; }",
    "f() { local a; a[0]=1; local a={{w}}; }",
    'env "BASH_FUNC_f%%=() { "{{w}}"; }" bash -c f',
    "integer n; n={{w}}",
    "f() { n={{w}}; }; esac; declare -i n; f",
    "echo {{w}}; echo a); alias echo=eval",
    "env PS4={{w}} bash -x script",
    "sudo env BASH_ENV={{w}} script",
    '[ {{w}} "$x" ]',
    "test $x {{w}}",
    'printf "%s {{w}}" $x',
    "printf -- '{{w}}%n' \"$x\"",
    "set {{w}}",
    "set -e {{w}}",
    "wait {{w}}",
    "alias x={{w}}",
    "bind -x {{w}}",
    "compgen -W {{w}}",
    "complete -C {{w}} x",
    "enable -f {{w}} x",
    "fc -s {{w}}",
    "getopts ab {{w}}",
    "hash -p {{w}} ls",
    "history -s {{w}}",
    "mapfile -C {{w}} x",
    "builtin read -p {{w}} x",
    "\\unset 'a[{{w}}]'",
    "vared {{w}}",
]


@pytest.mark.parametrize("text", REFUSED)
def test_a_builtin_that_may_evaluate_the_value_is_refused(text: str) -> None:
    assert [code for code, _ in findings(text, "bash", SCOPE)] == ["E0504"]


@pytest.mark.parametrize(
    "change",
    [
        "alias show=eval",
        "command alias x=y",
        "shopt -s expand_aliases",
        "shopt -so posix",
        "shopt -s $switches",
        "set -k",
        "set -eH",
        "set -o posix",
        "set -o $option",
        'set "$@"',
        "emulate sh",
    ],
)
def test_a_script_that_changes_how_the_shell_reads_proves_nothing(change: str) -> None:
    """Not even before it: the text may stand in a loop or a function that runs later."""
    for text in (f"{change}\necho {{{{w}}}}", f"f() {{ echo {{{{w}}}}; }}; {change}; f"):
        assert findings(text, "bash", SCOPE) == [("E0504", "{{w}}")]


HARMLESS = [
    "set -euo pipefail; echo {{w}}",
    "set -e -o errexit +x; set +eu; echo {{w}}",
    'set -- {{w}} "$@"',
    "shopt -s nullglob extglob; shopt -u dotglob; echo {{w}}",
    "shopt -so pipefail; echo {{w}}",
    "f() { local a={{w}}; export b={{w}}; readonly c={{w}}; }",
    "a=(1 2); b={{w}}",
    "declare -r x=1; y={{w}}",
    "cd {{w}} && pushd {{w}} && kill {{w}} || exit {{w}}",
    "source ./{{w}}/bin/activate",
    "type {{w}}; command -v {{w}}; umask {{w}}",
    "exec {fd}>{{w}}",
    '[ "$x" = {{w}} ] || [ $# -gt {{w}} ] || test -n {{w}}',
    "read -r x <<< {{w}}",
    "x=([2]={{w}} {{w}})",
    "git alias {{w}}; ./set {{w}}; npm set {{w}}",
    "wait; jobs; hash -r; echo {{w}}",
    "ls [ab]{{w}} x[[:alpha:]]{{w}}",
]


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_known_to_be_harmless_is_no_finding(text: str) -> None:
    assert findings(text, "bash", SCOPE) == []
