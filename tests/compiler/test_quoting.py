"""Values in scripts, held against the real shells and languages: what a command gets is the value,
byte for byte."""

import json
import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orch.compiler.names import Scope
from orch.compiler.values import Unknown
from tests.compiler.written import findings, quoted

NASTY = [
    "",
    " ",
    "a b",
    "-n",
    "--",
    "it's",
    "'",
    "''",
    '"',
    'say "hi"',
    "\\",
    "a\\",
    "\\'",
    "$HOME ${HOME} $(echo PWNED) `echo PWNED` $((1+1)) $'x' $1",
    "$",
    "a$",
    "; echo PWNED",
    ") ; echo PWNED ; (",
    "}; echo PWNED; {",
    "*",
    "? [a-z] ~ {a,b} !(x)",
    "~",
    "~root",
    "wow! !!",
    "a\nb\n",
    "\n",
    "\nE\necho PWNED\n",
    "\t\r\v\f\x01\x02\x1b\x7f\x80\x81\x88\xa0",
    "zoë \U0001f600 漢字 \u2028",
    "x=1",
    "a=$(echo PWNED)",
    "if",
    "esac",
    "2",
    "#x",
    " # x",
    "&",
    "a|b",
    "<x>y",
    "{{ x }}",
    "a[$(echo PWNED)]",
    "%s%n\\n",
    "x" * 5000,
]

# Each shows `values` of one value: what stands before, and behind, is compared as well.
CONTEXTS = [
    ("show {{v}}", "", ""),
    ('show "{{v}}"', "", ""),
    ("show '{{v}}'", "", ""),
    ("show pre{{v}}post", "pre", "post"),
    ('show "pre {{v}} post"', "pre ", " post"),
    ("show 'pre {{v}} post'", "pre ", " post"),
    ("""show "a"'b'{{v}}"c"'d'""", "ab", "cd"),
    ('show "$x{{v}}y"', "X", "y"),
    ('show "${x}{{v}}"', "X", ""),
    ('show "$1{{v}}"', "ONE", ""),
    ("show $x{{v}}$x", "X", "X"),
    ('show "\\\\{{v}}\\""', "\\", '"'),
    ('show "a\\\n{{v}}\\\nb"', "a", "b"),
    ("show \\\n  {{v}}", "", ""),
    ("show --opt={{v}}", "--opt=", ""),
    ("show x*{{v}}", "x*", ""),
    ("show ~{{v}}", "~", ""),
    ('y={{v}}; show "$y"', "", ""),
    ('y="a{{v}}b"; show "$y"', "a", "b"),
    ("y=a:~{{v}}'{{n}}'; show \"$y\"", "a:~", ""),
    ('y=$(printf "%s." {{v}}); show "$y"', "", "."),
    ("""y="$(printf '%s.' "{{v}}")"; show "$y\"""", "", "."),
    ("""show "$(printf '%s.' "$(printf '%s.' '{{v}}')")\"""", "", ".."),
    ("""show "a $(case x in x) printf '%s.' {{v}};; esac) b\"""", "a ", ". b"),
    ('for i in {{v}}; do show "$i"; done', "", ""),
    ("case {{v}} in *) show {{v}};; esac", "", ""),
    ("case x in (x) show '{{v}}' ;; esac", "", ""),
    ('f() { show "$1"; }; f {{v}}', "", ""),
    ("if true; then show {{v}}; else show; fi", "", ""),
    ("(show {{v}})", "", ""),
    ("{ show {{v}}; } 2>/dev/null", "", ""),
    ("! true || show {{v}} && true", "", ""),
    ("y={{v}} showy", "", ""),
    ('export Z={{v}}; show "$Z"', "", ""),
    ('set -- {{v}}; show "$1"; set -- ONE', "", ""),
    (": <<E\nit's \"open\nE\nshow {{v}}", "", ""),
    ("# it's\nshow {{v}} # \"", "", ""),
    ("show {{v}}>&1", "", ""),
    ("[ {{v}} = {{v}} ] && show {{v}}", "", ""),
    ("eval 'y='{{ v | quote }}; show \"$y\"", "", ""),
]  # fmt: skip

ONLY_BASH = [
    ('arr=(a {{v}} b); show "${arr[1]}"', "", ""),
    ('arr+=({{v}}); show "${arr[@]: -1}"', "", ""),
    ('f() { local y={{v}}; show "$y"; }; f', "", ""),
    ("[[ {{v}} < {{v}} || -n x{{v}} ]] && show {{v}}", "", ""),
    ("IFS= read -r -d '' y <<< {{v}} || show \"$y\"", "", "\n"),
    ("show $'a\\'b'{{v}}", "a'b", ""),
    ("function g { show {{v}}; }; g", "", ""),
]

PRELUDE = """
x=X
show() { for a do printf '%s\\0' "$a"; done; }
showy() { show "$y"; }
set -- ONE
"""

SHELLS = [
    ("sh", ["sh"]),
    ("sh", ["dash"]),
    ("sh", ["bash", "--posix"]),
    ("sh", ["busybox", "sh"]),
    ("bash", ["bash"]),
]


def environment(**variables: str) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", **variables}


def run_in_shell(command: list[str], text: str, folder: Path, **variables: str) -> bytes:
    """What a script prints; it must succeed, or it was taken apart."""
    path = folder / "script"
    path.write_text(PRELUDE + text, encoding="utf-8", newline="")
    done = subprocess.run(
        [*command, str(path)],
        env=environment(**variables),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert done.stderr == b""
    return done.stdout


def assert_delivered(
    shell: str, command: list[str], values: list[str], folder: Path, *, are_late: bool
) -> None:
    """Every value arrives unchanged through every context, all in one process."""
    contexts = CONTEXTS + (ONLY_BASH if shell == "bash" else [])
    texts, expected, variables = [], [], {}
    for text, before, behind in contexts:
        for number, value in enumerate(values):
            scope = Scope(lets={"v": value, "n": ""})
            if are_late and "quote" not in text:
                text_of_late = text.replace("{{v}}", "{{ stages.a.values.v }}")
                done = quoted(text_of_late, shell, scope)
                assert set(done.bindings.values()) == {"stages.a.values.v"}
            else:
                done = quoted(text, shell, scope)
            assert done.text is not None, (text, done.diagnostics)
            variables[f"ORCH_V{number}"] = value
            texts.append(done.text.replace("ORCH_B1", f"ORCH_V{number}"))
            expected.append(f"{before}{value}{behind}")
    found = run_in_shell(command, "\n".join(texts) + "\n", folder, **variables)
    assert found.decode().split("\0")[:-1] == expected


def available(command: list[str]) -> pytest.MarkDecorator:
    return pytest.mark.skipif(shutil.which(command[0]) is None, reason="isn't installed")


SHELL_PARAMETERS = [
    pytest.param(shell, command, marks=available(command), id=" ".join(command))
    for shell, command in SHELLS
]

ALPHABET = st.sampled_from("'\"\\$`(){}[]*?~!#&;|<>= \n\t-ae1é😀\x01\x7f")
TEXTS = st.lists(
    st.text(ALPHABET, max_size=12)
    | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8),
    min_size=10,
    max_size=25,
)


@pytest.mark.parametrize("are_late", [False, True])
@pytest.mark.parametrize(("shell", "command"), SHELL_PARAMETERS)
def test_nasty_values_arrive_unchanged_everywhere(
    shell: str, command: list[str], are_late: bool, tmp_path: Path
) -> None:
    assert_delivered(shell, command, NASTY, tmp_path, are_late=are_late)


@pytest.mark.parametrize(("shell", "command"), SHELL_PARAMETERS)
def test_any_values_arrive_unchanged_everywhere(
    shell: str, command: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    @settings(max_examples=15, derandomize=True, database=None)
    @given(TEXTS)
    def holds(values: list[str]) -> None:
        folder = tmp_path_factory.mktemp("values")
        assert_delivered(shell, command, values, folder, are_late=False)

    holds()


@pytest.mark.parametrize(("shell", "command"), SHELL_PARAMETERS)
def test_a_list_becomes_several_words(shell: str, command: list[str], tmp_path: Path) -> None:
    scope = Scope(lets={"v": tuple(NASTY), "empty": ()})
    text = 'show {{v}}\nfor i in {{v}} {{empty}}; do show "$i"; done\nshow a {{empty}} b'
    rendered = quoted(text, shell, scope).text
    assert rendered is not None
    found = run_in_shell(command, rendered, tmp_path).decode().split("\0")[:-1]
    assert found == [*NASTY, *NASTY, "a", "b"]


def test_plain_values_stay_readable_where_that_is_safe() -> None:
    scope = Scope(lets={"v": "3.11"})
    for text, expected in [
        ("pytest --python={{v}} tests/{{v}}", "pytest --python=3.11 tests/3.11"),
        ("{{v}} x", "'3.11' x"),
        ("echo {{v}}>f", "echo '3.11'>f"),
        ("echo ~{{v}}", "echo ~'3.11'"),
        ("x={{v}}", "x='3.11'"),
        ('grep -q "^## {{v}}"', 'grep -q "^## 3.11"'),
    ]:
        assert quoted(text, "sh", scope).text == expected


def test_the_same_run_time_value_is_bound_once_in_order_of_appearance() -> None:
    text = "a {{ stages.b.values.x }} '{{ run.id }}' \"{{ stages.b.values['x'] }}\""
    done = quoted(text)
    assert done.text == 'a "${ORCH_B1}" \'\'"${ORCH_B2}"\'\' "${ORCH_B1}"'
    assert done.bindings == {"ORCH_B1": "stages.b.values.x", "ORCH_B2": "run.id"}


def test_a_value_that_is_not_known_leaves_no_script() -> None:
    done = quoted("echo {{ params.p }}", "sh", Scope(params={"p": Unknown()}))
    assert done.text is None


PYTHON_AND_NODE = [
    ("python", ["python3", "-c"], "import json\nprint(json.dumps([{values}]))"),
    ("node", ["node", "-e"], "console.log(JSON.stringify([{values}]))"),
]


@pytest.mark.parametrize(("shell", "command", "program"), PYTHON_AND_NODE)
def test_values_become_literals_of_the_language(
    shell: str, command: list[str], program: str
) -> None:
    if shutil.which(command[0]) is None:
        pytest.skip("isn't installed")
    values = [
        *NASTY, 3, -3, 0.25, -1.5, True, False, 2**53 - 1, ("a'b", 1, ()),
        {"k": "x 'y'", "any key": (True,), "__proto__": 1},
    ]  # fmt: skip
    scope = Scope(lets={f"v{number}": value for number, value in enumerate(values)})
    places = ", ".join(f"{{{{v{number}}}}}" for number in range(len(values)))
    done = quoted(program.format(values=places), shell, scope)
    assert done.text is not None, done.diagnostics
    assert done.text.isascii()
    output = subprocess.run(
        [*command, done.text], env=environment(), capture_output=True, check=True, timeout=60
    )
    assert json.loads(output.stdout) == json.loads(json.dumps(values))


@pytest.mark.parametrize(
    ("shell", "command", "program"),
    [
        ("python", ["python3", "-c"], "print({{ stages.a.values.v }}, end='')"),
        ("node", ["node", "-e"], "process.stdout.write({{ stages.a.values.v }})"),
    ],
)
def test_run_time_values_are_read_from_the_environment(
    shell: str, command: list[str], program: str
) -> None:
    if shutil.which(command[0]) is None:
        pytest.skip("isn't installed")
    done = quoted(program, shell)
    assert done.text is not None
    for value in ("it's $(x) \\ \"", "é\n"):
        found = subprocess.run(
            [*command, done.text],
            env=environment(ORCH_B1=value, PYTHONIOENCODING="utf-8"),
            capture_output=True,
            check=True,
            timeout=60,
        )
        assert found.stdout.decode() == value


@pytest.mark.parametrize(
    ("shell", "text"),
    [
        ("python", "x = '{{v}}'"),
        ("python", 'x = f"a {{v}} b"'),
        ("python", "x = '''\n{{v}}\n'''"),
        ("python", "x = 1  # {{v}}"),
        ("python", "x = r{{v}}"),
        ("python", "x = {{v}}'b'"),
        ("python", "x = {{v}}y"),
        ("python", "x.{{v}}"),
        ("python", "x = \\{{v}}"),
        ("python", "import {{v}}"),
        ("python", "def {{v}}(): pass"),
        ("python", "x = 'open\n{{v}}"),
        ("python", 'x = f"{a[\'}\']}" + f"{x["a"]}" + {{v}}'),
        ("python", 'x = f"{d[\'}"\']}" "\' {{v}} \'"'),
        ("python", "x = rf\"{'\\'}\" {{v}}"),
        ("node", "x = '{{v}}'"),
        ("node", "x = `a {{v}}`"),
        ("node", "x = `${ {{v}} }`"),
        ("node", "x = `${ {a: 1} }` + {{v}}"),
        ("node", "// {{v}}"),
        ("node", "/* {{v}} */"),
        ("node", "x = /{{v}}/"),
        ("node", "f(x) / 2 / {{v}}"),
        ("node", 'x = of /2; y = "/; {{v}} "'),
        ("node", 'x = await /2; y = "/; {{v}} "'),
        ("node", 'x = this.#in /2; y = "/; {{v}} "'),
        ("node", '(class extends /"/ {}); y = " {{v}} "'),
        ("node", 'f(...typeof /"/); y = " {{v}} "'),
        ("node", "x = 1 <!-- {{v}}"),
        ("node", "const {{v}} = 1"),
        ("node", "import {{v}}"),
        ("node", "x = {{v}}`a`"),
        ("node", "x.{{v}}"),
        ("node", "#! {{v}}"),
        ("node", "x = 'open\n{{v}}"),
    ],
)
def test_where_no_literal_may_stand_in_python_and_node(shell: str, text: str) -> None:
    assert findings(text, shell, Scope(lets={"v": "a"})) == [("E0504", "{{v}}")]


@pytest.mark.parametrize(
    ("shell", "text"),
    [
        ("python", "s = \"it's # no comment\"  # it's one\nx = {{v}}"),
        ("python", "s = f\"{a['k']}\" 'b' rb'\\''\nx = [{{v}}]"),
        ("python", '"""doc " \'\n"""\nif {{v}} in x: pass'),
        ("python", "s = f'{a:{b}} {c!r:>10}'; x = {{v}}"),
        ("node", "a = b / c; x = {{v}}"),
        ("node", "for (const a of [1 / 2]) f(...in_, {{v}})"),
        ("node", "r = /[/'\"]\\//g; x = {{v}}"),
        ("node", "f(1) / 2\nx = {{v}}"),
        ("node", "x = `a ${b} \\` ${c}`; y = {{v}} // it's"),
        ("node", "/* it's */ o.return / 2; ({{v}})"),
    ],
)
def test_what_is_understood_does_not_spoil_what_follows_in_python_and_node(
    shell: str, text: str
) -> None:
    assert findings(text, shell, Scope(lets={"v": "a"})) == []


@pytest.mark.parametrize("value", [2**53, {"d": 2**60}])
def test_javascript_gets_no_number_that_it_would_round(value: object) -> None:
    assert findings("x = {{v}}", "node", Scope(lets={"v": value})) == [("E0508", "{{v}}")]


def test_no_byte_of_a_character_stands_beside_a_backslash() -> None:
    """In GBK and Shift-JIS it would swallow that backslash, or be one: 乗 ends in one there."""
    scope = Scope(lets={"v": "乗$(x)あ"})
    assert quoted('echo "a {{v}}"', "bash", scope).text == """echo "a "'乗'"\\$(x)"'あ'"\""""


def test_code_is_pasted_as_it_is_and_is_a_lint() -> None:
    scope = Scope(lets={"flags": "-v -x", "v": "a b"})
    assert quoted("tool {{ flags | raw }} {{v}}", "sh", scope).text == "tool -v -x 'a b'"
    assert findings("tool {{ flags | raw }} {{v}}", "sh", scope) == [("W0702", "raw")]


def test_code_that_opens_quotes_takes_the_proof_of_what_follows() -> None:
    scope = Scope(lets={"open": "'", "v": "a b"})
    assert findings("tool {{ open | raw }} {{v}}", "sh", scope) == [
        ("W0702", "raw"),
        ("E0504", "{{v}}"),
    ]


FRAGMENTS = [
    "'", '"', "`", "$(", ")", "${x:-", "${x}", "}", "$((", "))", "<<E\n", "\nE\n", "\\", " # ",
    " ", "\n", "; ", "&& ", "| ", "case x in ", " x) ", " ;; ", " esac\n", "{ ", "; }\n", "(",
    "echo ", "echo ", "a=", "$", "$x", "$'", "> o ", "\\\n", "if true; then ", "; fi\n",
    "for i in a ", "; do ", "; done\n", "f() ", "{{v}}", "{{v}}", ' "{{v}}"', " '{{v}}'", "x",
]  # fmt: skip

ATTACKS = [
    "$(: >PWNED)", "`: >PWNED`", "'; : >PWNED; '", '"; : >PWNED; "', "\n: >PWNED\n",
    "); : >PWNED; (", "x\nE\n: >PWNED\n", "}; : >PWNED; {", "\\", "'", "))$(: >PWNED)((",
]  # fmt: skip


@pytest.mark.parametrize(("shell", "command"), [SHELL_PARAMETERS[1], SHELL_PARAMETERS[4]])
def test_no_script_lets_a_value_become_code(shell: str, command: list[str], tmp_path: Path) -> None:
    """Random scripts: where a place counts as proved, an attack changes nothing but the data."""
    chance = random.Random(20240607)
    proved = 0
    for _ in range(1500):
        text = "echo " + "".join(chance.choices(FRAGMENTS, k=chance.randint(2, 9)))
        if "{{v}}" not in text or any(code == "E0504" for code, _ in findings(text, shell, V)):
            continue
        proved += 1
        plain, attacked = (
            quoted(text, shell, Scope(lets={"v": value})).text
            for value in ("plain", chance.choice(ATTACKS))
        )
        assert plain is not None
        assert attacked is not None
        assert is_well_formed(command, plain) == is_well_formed(command, attacked)
        if is_well_formed(command, attacked):
            start(command, attacked, tmp_path)
            assert not (tmp_path / "PWNED").exists(), attacked
    assert proved > 50


V = Scope(lets={"v": "plain"})


def is_well_formed(command: list[str], text: str) -> bool:
    return start([*command, "-n"], text, Path("/")) == 0


def start(command: list[str], text: str, folder: Path) -> int:
    return subprocess.run(
        [*command, "-c", text],
        env=environment(),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=60,
    ).returncode
