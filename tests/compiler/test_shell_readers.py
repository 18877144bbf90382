"""Second readers (W0703): who takes a value apart again, and who only looks as if."""

import pytest

from orch.compiler.names import Scope
from orch.compiler.values import Type, Unknown
from tests.compiler.written import findings, quoted

SCOPE = Scope(lets={"w": "a b"})

READ_AGAIN = [
    ("env -S {{w}}", "env -S"),
    ("env -i --split-string={{w}}", "env --split-string"),
    ("$x -c {{w}}", "$x -c"),
    ('"$SHELL" -c "x {{w}}"', '"$SHELL" -c'),
    ("python3.12 -W error -Xdev -c {{w}}", "python3.12 -c"),
    ("bash -x -c {{w}}", "bash -c"),
    ("bash --norc --rcfile f -o pipefail -ce {{w}}", "bash -c"),
    ("bash -c -e {{w}}", "bash -c"),
    ("perl -I lib -ne {{w}}", "perl -e"),
    ("ruby -rjson -e{{w}}", "ruby -e"),
    ("node -r x -p {{w}}", "node -p"),
    ("node --eval={{w}}", "node --eval"),
    ("php -r {{w}}", "php -r"),
    ("awk -F: -v x=1 '{ print {{w}} }' f", "awk"),
    ("sed -i 's/x/{{w}}/' f", "sed"),
    ("sed f -n -e {{w}}", "sed -e"),
    ("sed --expression=s/{{w}}/x/ f", "sed --expression"),
    ("jq --arg a b '.x = \"{{w}}\"'", "jq"),
    ("find . -type f -exec sh -c {{w}} \\;", "sh -c"),
    ("timeout 5 nice -n 3 sh -c {{w}}", "sh -c"),
    ("docker exec -it box sh -c {{w}}", "sh -c"),
    ("kubectl exec pod -- bash -lc {{w}}", "bash -c"),
    ("parallel -j 4 gzip {{w}}", "parallel"),
    ("watch -n 1 ls {{w}}", "watch"),
    ("su - user -c {{w}}", "su -c"),
    ("flock lock -c {{w}}", "flock -c"),
    ("ssh -p 22 host ls {{w}}", "ssh"),
    ("psql -U me --command 'select {{w}}'", "psql --command"),
    ("printf 'v{{w}}\\n'", "printf"),
    ("echo {{w}} | sh", "sh"),
    ("echo {{w}} | sudo bash -s -- x", "bash"),
    ("printf %s {{w}} | tr a b | python3 -", "python3"),
    ("{ echo {{w}}; echo x; } | bash", "bash"),
    ("for i in a b; do echo {{w}}; done | sh -e", "sh"),
    ("if true; then (echo {{w}}); fi | sh", "sh"),
    ("case x in x) echo {{w}};; esac | sh", "sh"),
    ("echo {{w}} | xargs rm", "xargs"),
    ("bash <<< {{w}}", "bash"),
    ("bash <(echo {{w}})", "bash"),
    ("bash < <(echo {{w}})", "bash"),
    (". <(printf %s {{w}})", "."),
    ('eval "$(echo {{w}})"', "eval"),
    ("$(printf %s {{w}}) x", "$(…)"),
    ('[ -v "$(echo {{w}})" ]', "["),
    ('read "$(echo {{w}})" <<< x', "read"),
    ('declare "$(echo {{w}})=1"', "declare"),
    ("PS4=$(echo {{w}}); set -x", "PS4"),
    ("source /dev/stdin <<< {{w}}", "source"),
    ("echo {{w}} | . /dev/stdin", "."),
    ("echo {{w}} | sh /dev/fd/0", "sh"),
    ("echo {{w}} > >(bash)", "bash"),
    ("echo {{w}} | tee >(sh)", "sh"),
    ("echo {{w}} | { cd x; bash; }", "bash"),
    ("echo {{w}} | (cd x; bash)", "bash"),
    ("echo {{w}} | while true; do bash; done", "bash"),
    ("run=(sh -c {{w}})", "sh -c"),
    ("set -- sh -c {{w}}", "sh -c"),
    ("retry 3 bash -c {{w}}", "bash -c"),
]


@pytest.mark.parametrize(("text", "reader"), READ_AGAIN)
def test_the_reader_is_named(text: str, reader: str) -> None:
    found = [d for d in quoted(text, "bash", SCOPE).diagnostics if d.code != "W0704"]
    assert [d.code for d in found] == ["W0703"]
    assert found[0].message == f"`{reader}` takes this value apart again"


@pytest.mark.parametrize(
    "text",
    [
        "bash script -c {{w}}",
        "python3 -m pip -c {{w}}",
        "node server.js -p {{w}}",
        "awk -v x={{w}} '{ print x }' {{w}}",
        "sed -i -e p {{w}}",
        "sed -f prog {{w}}",
        "jq --arg a {{w}} --arg b {{w}} .a {{w}}",
        "find . -name {{w}} -exec rm {} +",
        "docker build -t {{w}} -f sh .",
        "watch -n {{w}} ls",
        "ssh -i {{w}} me@{{w}} uptime",
        "curl https://x/{{w}} | sh",
        "echo {{w}} | sh script",
        "echo {{w}} | grep x; echo x | sh",
        "echo {{w}} && echo | sh",
        "printf '%s\\0' {{w}} | xargs -0 rm",
        "cat <<< {{w}} | grep x",
        "$tool {{w}}",
        "env X={{w}} command",
        'x="$(echo {{w}})"; echo "$x"',
        "psql -d {{w}} -c 'select 1'",
    ],
)
def test_data_for_a_reader_is_no_lint(text: str) -> None:
    assert findings(text, "bash", SCOPE) == []


@pytest.mark.parametrize(
    "text",
    [
        "x={{w}}; echo $((x + 1))",
        "x={{w}}\n(( y = x ))",
        "x={{w}}; [[ $x -gt 3 ]]",
        "x={{w}}; echo ${!x}",
        "x={{w}}; echo ${x@P}",
        "x={{w}}; echo ${y:$x:2} ",
        "x={{w}}; echo ${a[x]}",
        "x={{w}}; a[$x]=1",
        "x={{w}}; let y=$x",
        'x={{w}}; unset "a[$x]"',
        'x={{w}}; test -v "$x"',
        'x={{w}}; eval "echo $x"',
        'x={{w}}; sh -c "echo $x"',
        "export x={{w}}; ssh host ls $x",
        "for x in {{w}}; do echo $((x)); done",
        "x={{w}}; y=$x z=a; (( y ))",
        "x={{w}}; for y in $x; do echo $((y)); done",
        "set -- {{w}}; echo $(($1))",
        "f() { echo $(( $1 )); }; f {{w}}",
        'function f { [[ $2 -gt 3 ]]; }; x={{w}}; f a "$x"',
        "f() { local n=$1; (( n )); }; f {{w}}",
        'x={{w}}; PS4="$x"; set -x; :',
        "x={{w}}; for PS4 in $x; do set -x; :; done",
        "printf -v x %s {{w}}; (( x ))",
        'set -- {{w}}; for x; do eval "$x"; done',
        "f() { for x do echo $((x)); done; }; f {{w}}",
        '[[ {{w}} =~ (.*) ]]; eval "${BASH_REMATCH[1]}"',
        ': {{w}}; eval "$_"',
        "x=({{w}}); echo ${x[@]@P}",
        'x={{w}}; : "${y:=$x}"; eval "$y"',
        'x={{w}}; eval "${y:-$x}"',
        'set -- {{w}}; eval "${!#}"',
        'set -- -a {{w}}; while getopts a: o; do eval "$OPTARG"; done',
        "x={{w}}; bash <<< $x",
        'x={{w}}; echo "$x" | sh',
        "x={{w}}\nbash <<E\n$x\nE\n",
        "x={{w}}\ncat <<E | sh\n${x}\nE\n",
        'x={{w}}; y=`eval "$x"`',
        "x={{w}}; y=`echo $x`; (( y ))",
        "run=eval; $run {{w}}",
        'run() { "$@"; }; run eval {{w}}',
        "printf -vPS4 %s {{w}}; set -x; :",
    ],
)
def test_a_variable_that_is_taken_apart_is_a_lint_at_its_value(text: str) -> None:
    """A number is none: it means the same to whatever reads it."""
    assert findings(text, "bash", SCOPE) == [("W0703", "{{w}}")]
    assert findings(text, "bash", Scope(lets={"w": 3})) == []
    assert findings(text, "bash", Scope(lets={"w": Unknown(Type("int"))})) == []


@pytest.mark.parametrize(
    "text",
    [
        "x={{w}}; sh -c 'echo \"$x\"'",
        'x={{w}}; echo $((y + 1)) "${x}" ${x:-y} ${x#y}',
        'x={{w}}; [ "$x" -gt 3 ]; [[ $x = y ]]',
        'x={{ w | quote }}; eval "echo $x"',
        "while read -r n; do (( all += n )); done < counts; echo {{w}} $all",
        'x={{w}}; echo "$x"; while read -r n; do (( all += n )); done < counts',
        'run() { "$@"; }; run make {{w}}; tool=make; $tool {{w}}',
        'run=(make {{w}}); "${run[@]}"',
        "x={{w}}; y=`echo $x`; echo $y",
        "x={{w}}\nbash <<'E'\n$x\nE\n",
        "set -- {{w}}; for x; do echo $x; done",
        "sh -c 'make \"$1\"' sh {{w}}",
        'eval "$(ssh-agent -s)"; ssh-add {{w}}',
    ],
)
def test_a_variable_that_stays_data_is_no_lint(text: str) -> None:
    assert findings(text, "bash", SCOPE) == []


@pytest.mark.parametrize(
    "text",
    [
        'x="$(printf %s {{w}})"; echo $((x))',
        "read x <<< {{w}}; (( x ))",
        "read <<< {{w}}; (( REPLY ))",
        "mapfile -t <<< {{w}}; eval ${MAPFILE[0]}",
        "echo {{w}} | while read -r x; do echo $((x)); done",
    ],
)
def test_a_value_that_is_printed_into_such_a_variable_is_a_lint(text: str) -> None:
    assert findings(text, "bash", SCOPE) == [("W0703", "{{w}}")]
