"""Where in a shell script a value may stand, and where it can't be proved (E0504)."""

import pytest

from orch.compiler.names import Scope
from orch.compiler.values import DurationMs, Type
from tests.compiler.written import findings, quoted

SCOPE = Scope(params={"v": "a b", "n": 3}, lets={"w": "a b"})

# In every one of these a shell, or one of the shells that `sh` may be, reads more than data.
UNPROVED = [
    ("sh", "cat <<END\n{{w}}\nEND\n"),
    ("sh", "cat <<'END'\n{{w}}\nEND\n"),
    ("sh", "cat <<-END\n\t{{w}}\n\tEND\n"),
    ("sh", "cat <<END\nno end {{w}}"),
    ("sh", "cat <<{{w}}\na\n"),
    ("sh", "cat <<A <<B\na\nA\n{{w}}\nB\n"),
    ("sh", "x=$(cat <<END\n{{w}}\nEND\n)"),
    ("sh", "cat <<END $(echo\n{{w}}\nEND\n)"),
    ("sh", "echo `basename {{w}}`"),
    ("sh", 'echo "`basename {{w}}`"'),
    ("sh", "echo `echo \\`echo {{w}}\\``"),
    ("sh", "echo $(( {{w}} + 1 ))"),
    ("sh", 'echo "$(( {{w}} + 1 ))"'),
    ("sh", "(( {{w}} ))"),
    ("sh", '((: # )); echo "\n{{w}}\n"'),
    ("sh", "((1 << 2)); echo {{w}}"),
    ("sh", "build &> log {{w}}"),
    ("bash", "(( x = {{w}} ))"),
    ("bash", "for ((i = 0; i < {{w}}; i++)); do :; done"),
    ("bash", "let x={{w}}"),
    ("bash", "builtin let {{w}}"),
    ("bash", "time -p unset {{w}}"),
    ("sh", "echo $[{{w}}]"),
    ("sh", "true # {{w}}"),
    ("sh", "# {{w}}"),
    ("sh", "$(# {{w}}\n)"),
    ("sh", "echo ${x:-{{w}} }"),
    ("sh", 'echo "${x:-{{w}} }"'),
    ("sh", "echo ${x#'{{w}}'}"),
    ("sh", "echo ${x:-$(echo {{w}})}"),
    ("bash", "echo $'{{w}}'"),
    ("sh", "echo $'{{w}}'"),
    ("bash", 'echo $"{{w}}"'),
    ("bash", "[[ $x =~ {{w}} ]]"),
    ("bash", "[[ $x == {{w}} ]]"),
    ("bash", "[[ $x != *{{w}}* ]]"),
    ("bash", "[[ {{w}} -eq 3 ]]"),
    ("bash", "[[ 3 -lt {{w}} ]]"),
    ("bash", "[[ -v {{w}} ]]"),
    ("sh", "[[ -n {{w}} ]]"),
    ("sh", "[ -v {{w}} ]"),
    ("sh", "case x in {{w}}) ;; esac"),
    ("sh", "case x in a | '{{w}}') ;; esac"),
    ("bash", "a[{{w}}]=1"),
    ("bash", 'echo "${a[{{w}}]}"'),
    ("sh", "ls [{{w}}]*"),
    ("sh", "{{w}}=1"),
    ("sh", "x{{w}}=1"),
    ("sh", '"{{w}}"=1'),
    ("sh", "export {{w}}"),
    ("sh", "export {{w}}=1"),
    ("sh", "readonly '{{w}}'"),
    ("bash", "declare -i n={{w}}"),
    ("bash", "declare -i n\nn={{w}}"),
    ("bash", "declare $flags n\nn={{w}}"),
    ("bash", "local -n ref={{w}}"),
    ("sh", "read {{w}}"),
    ("sh", "unset {{w}}"),
    ("sh", "printf -v {{w}} %s x"),
    ("sh", "printf {{w}} x"),
    ("bash", "command printf {{w}} x"),
    ("bash", "RANDOM={{w}}"),
    ("bash", "export OPTIND={{w}}"),
    ("bash", "PS4[0]={{w}}"),
    ("bash", "a=(1)\ndeclare a={{w}}"),
    ("bash", "[ $x {{w}} ]"),
    ("bash", "[ $'-v' {{w}} ]"),
    ("sh", "for {{w}} in a; do :; done"),
    ("sh", "PS4={{w}}; set -x"),
    ("sh", "ENV={{w}} sh x"),
    ("bash", "export BASH_ENV={{w}}"),
    ("sh", "echo ${{w}}"),
    ("sh", 'echo "${{w}}"'),
    ("sh", "echo \\{{w}}"),
    ("sh", 'echo "\\{{w}}"'),
    ("sh", "{{w}}() { :; }"),
    ("bash", "function {{w}} { :; }"),
    ("sh", "echo {a,{{w}} }"),
    ("sh", "echo {1..{{w}} }"),
    ("sh", "cat 2>&{{w}}"),
    ("sh", "cat <&'{{w}}'"),
    ("sh", "cat <(echo {{w}})"),
    ("sh", "cat <<< {{w}}"),
    ("sh", "x=({{w}})"),
    ("bash", "x=([{{w}}]=1)"),
    ("bash", "ls @({{w}}|b)"),
    ("sh", "ls @({{w}}|b)"),
    ("bash", "coproc cat {{w}}"),
    ("sh", "echo 'open {{w}}"),
    ("sh", 'echo "open {{w}}'),
    ("sh", "echo $(open {{w}}"),
    ("sh", "echo a) {{w}}"),
    ("sh", "echo a;; {{w}}"),
    ("sh", "esac; echo {{w}}"),
    ("sh", "echo a(b) {{w}}"),
    ("sh", "$\\\n(echo {{w}})"),
    ("sh", "cat <\\\n<E\n{{w}}\nE\n"),
    ("sh", "cat <<E\n$(\nE\n{{w}}"),
    ("sh", "cat <<E\na\\\nE\n{{w}}"),
    ("sh", "echo \"${x:-'}'}\" {{w}}"),
    ("sh", "echo $((echo a); (echo {{w}}))"),
    ("sh", "echo ${ echo {{w}}; }"),
    ("sh", "echo a\0b {{w}}"),
]  # fmt: skip


@pytest.mark.parametrize(("shell", "text"), UNPROVED)
def test_a_place_that_is_not_proved_is_an_error_at_the_template(shell: str, text: str) -> None:
    assert [found for found in findings(text, shell, SCOPE) if found[0] != "W0704"] == [
        ("E0504", "{{w}}")
    ]
    assert quoted(text, shell, SCOPE).text is None


@pytest.mark.parametrize("text", ["printf {{ w }}", 'printf "%s {{ w }}" $x'])
def test_a_format_of_printf_is_told_how_to_print_a_value(text: str) -> None:
    """A variable would be a format as well."""
    (found,) = quoted(text, "sh", SCOPE).diagnostics
    assert found.code == "E0504"
    assert "`printf '%s' {{ w }}`" in (found.help or "")


def test_the_way_out_is_proposed_with_the_template_itself() -> None:
    (found,) = quoted("true # {{ lets.w }}", "sh", SCOPE).diagnostics
    assert found.help is not None
    assert 'env { VALUE = "{{ lets.w }}" }' in found.help
    assert '"$VALUE"' in found.help


# What the scanner has to get past so that the template behind it is still proved.
PASSED = [
    ("sh", "cat <<END\nit's \"open\nEND\necho {{w}}"),
    ("sh", "cat <<'E F' >o\n$( `\nE F\necho {{w}}"),
    ("sh", "cat <<-A <<B; echo {{w}}\n\ta\n\tA\nb\nB\n"),
    ("sh", "cat <<E\n$(echo hi) ${x} `a`\nE\necho {{w}}"),
    ("sh", "x=$(cat <<E\n)\nE\n)\necho {{w}}"),
    ("sh", "# it's\necho {{w}}"),
    ("sh", "echo a#b'c' {{w}}"),
    ("sh", "case $x in a) echo;; (b|'c)') ;; esac; echo {{w}}"),
    ("sh", 'y=$(case $x in a) echo "b)";; esac) z={{w}}'),
    ("sh", "echo \"$(case x in x) echo ')';; esac)\" {{w}}"),
    ("sh", 'echo "${x}${#x}${x%%.*}${1:-}$@$#$?" {{w}}'),
    ("sh", 'echo "${x:-"d"}" {{w}}'),
    ("sh", "echo ${x:-'}'} {{w}}"),
    ("sh", "echo $((1 + (2 * $x))) {{w}}"),
    ("sh", "build &> log || echo {{w}}"),
    ("sh", "echo `echo \\` '` {{w}}"),
    ("sh", "f() { echo; }; f {{w}}"),
    ("sh", "if ! test -n x; then echo; fi; echo {{w}}"),
    ("sh", "for i in a b; do echo $i; done; echo {{w}}"),
    ("sh", "find . -exec echo {} \\; && echo {{w}}"),
    ("sh", "cmd 2>/dev/null >&2 <in || echo {{w}}"),
    ("sh", "a \\\n  b\\\nc \\\n {{w}}"),
    ("sh", "echo $ '$' \"$\" {{w}}"),
    ("sh", "(cd x && (echo)) | cat; echo {{w}}"),
    ("bash", "arr=(a 'b c' # d'\n e); echo {{w}}"),
    ("bash", "[[ $x == a* && ! ( -n $y || 1 < 2 ) ]]; echo {{w}}"),
    ("bash", "[[ $x =~ ^(a|b)[0-9]{2,3}$ ]] && echo {{w}}"),
    ("bash", 'diff <(sort a) <(sort "b)") > >(cat); echo {{w}}'),
    ("bash", "for ((i=0; i<2; i++)); do echo; done; echo {{w}}"),
    ("bash", "(( x = (1 + 2) )); echo {{w}}"),
    ("bash", "echo $'it\\'s' {{w}}"),
    ("bash", "cat <<< 'here'; echo {{w}}"),
    ("bash", "function g { local v=1; }; echo {{w}}"),
    ("bash", "shopt -s extglob; ls x!(a|'b)') +(c); echo {{w}}"),
]  # fmt: skip


@pytest.mark.parametrize(("shell", "text"), PASSED)
def test_what_is_understood_does_not_spoil_what_follows(shell: str, text: str) -> None:
    assert findings(text, shell, SCOPE) == []
    rendered = quoted(text, shell, SCOPE).text
    assert rendered == text.replace("{{w}}", "'a b'")


@pytest.mark.parametrize(
    "text",
    [
        "eval 'echo {{w}}'",
        "eval echo {{w}}",
        "sh -c 'echo {{w}}'",
        "/bin/sh -ec {{w}}",
        'bash -o pipefail -c "{{w}}"',
        "env X=1 sh -c {{w}}",
        "sudo -u root /bin/bash -lc {{w}}",
        "exec sh -c {{w}}",
        "find . -exec sh -c {{w}} \\;",
        "ssh host -- ls {{w}}",
        "ssh host -- 'ls {{w}}'",
        "su -c {{w}} user",
        "su - user --command={{w}}",
        "echo | xargs -I x -- {{w}}",
        "trap 'rm {{w}}' EXIT",
        "python3 -c 'print({{w}})'",
        "X=1 eval {{w}}x",
        "x=$(eval echo {{w}})",
        "command eval x {{w}}",
    ],
)
def test_a_second_reader_is_a_lint(text: str) -> None:
    assert ("W0703", "{{w}}") in findings(text, "sh", SCOPE)


@pytest.mark.parametrize(
    "text",
    [
        "grep eval {{w}}",
        "sh script.sh {{w}}",
        "sh -c 'echo \"$1\"' sh {{w}}",
        "sh -c {{w | quote}}",
        "echo 'sh -c' {{w}}",
        "eval true; echo {{w}}",
        "python3 script.py -c {{w}}",
        "git commit -c {{w}}",
    ],
)
def test_what_only_looks_like_a_second_reader_is_none(text: str) -> None:
    assert findings(text, "sh", SCOPE) == []


@pytest.mark.parametrize(
    ("text", "is_lint"),
    [
        ("rm -r {{v}}", True),
        ('rm -r "{{v}}"', True),
        ("rm -r '{{v}}'.txt", True),
        ("rm -r -- {{v}}", False),
        ("rm -r ./{{v}}", False),
        ("rm --dir={{v}}", False),
        ("rm {{w}}", False),
        ("rm {{ '-f' }}", True),
        ("rm {{n}}", False),
        ("rm {{ 'x' ~ v }}", False),
        ("rm {{ v | length }}", False),
        ("printf '%s' {{v}}", False),
        ("echo {{v}}", True),
        ("{{v}} x", False),
        ("x={{v}}", False),
        ("cat < {{v}}", False),
        ("[ {{v}} = x ]", False),
        ("test -n {{v}}", False),
        ("for i in {{v}}; do :; done", False),
        ("case {{v}} in x) ;; esac", False),
        ("rm {{ stages.a.values.v }}", True),
        ("rm {{ stages.a.status }}", False),
        ("rm {{ run.id }}", False),
    ],
)
def test_a_word_that_may_begin_with_a_dash_is_a_lint(text: str, *, is_lint: bool) -> None:
    assert [code for code, _ in findings(text, "sh", SCOPE)] == ["W0704"] * is_lint


def test_params_whose_allowed_values_have_no_dash_are_no_lint() -> None:
    scope = Scope(params={"v": "x"}, dashless={"v"})
    assert findings("rm {{v}}", "sh", scope) == []


@pytest.mark.parametrize(
    ("declared", "codes"),
    [
        (None, ["W0704"]),
        (Type("string"), ["W0704"]),
        (Type("int"), []),
        (Type("list", Type("string")), ["E0508"]),
    ],
)
def test_declared_types_of_run_time_values_are_heeded(
    declared: Type | None, codes: list[str]
) -> None:
    scope = Scope(late_type=lambda _: declared)
    assert [code for code, _ in findings("rm {{ stages.a.values.n }}", "sh", scope)] == codes


@pytest.mark.parametrize(
    ("text", "scope"),
    [
        ("echo a{{v}}", Scope(lets={"v": ("x",)})),
        ('echo "{{v}}"', Scope(lets={"v": ("x",)})),
        ("cat < {{v}}", Scope(lets={"v": ("x",)})),
        ("x={{v}}", Scope(lets={"v": ("x",)})),
        ("{{v}} x", Scope(lets={"v": ()})),
        ("echo x {{v}}", Scope(lets={"v": {"k": 1}})),
        ("echo x {{v}}", Scope(lets={"v": DurationMs(1)})),
        ("echo x {{v}}", Scope(lets={"v": (DurationMs(1),)})),
        ("echo x {{v}}", Scope(lets={"v": "a\0b"})),
        ("echo x {{v}}", Scope(lets={"v": "a\udc80b"})),
    ],
)
def test_what_a_command_cannot_hold_is_refused(text: str, scope: Scope) -> None:
    assert findings(text, "sh", scope) == [("E0508", "{{v}}")]
