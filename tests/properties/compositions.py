"""Random shell scripts, composed so that it is known what their commands are to get.

`show` prints its arguments, each with a NUL behind it. A script is text with templates `{{v0}}`,
`{{v1}}`, … and the arguments that it shows, in order; these hold the same templates where a value
is due. Some of what is composed the compiler can't prove, and must refuse.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

PRELUDE = """
x=X
show() { for a do printf '%s\\0' "$a"; done; }
showy() { show "$y"; }
set -- ONE
"""


@dataclass
class Composer:
    """Composes one script; `values` counts its templates."""

    dice: random.Random
    is_bash: bool
    values: int = 0
    used: list[str] = field(default_factory=list)

    def value(self) -> str:
        """A template, seldom one that stood before."""
        if self.values and self.dice.random() < 0.2:
            return f"{{{{v{self.dice.randrange(self.values)}}}}}"
        self.values += 1
        return f"{{{{v{self.values - 1}}}}}"

    # -- words: their text, and what the command gets ----------------------------------

    def word(self, depth: int) -> tuple[str, str]:
        pieces = [self.piece(depth) for _ in range(self.dice.randint(1, 3))]
        return "".join(text for text, _ in pieces), "".join(meant for _, meant in pieces)

    def piece(self, depth: int) -> tuple[str, str]:
        pieces: list[Callable[[int], tuple[str, str]]] = [
            self._bare, self._bare, self._double, self._double, self._single, self._plain,
        ]  # fmt: skip
        if self.dice.random() < 0.015:
            pieces = [self._risky]
        return self.dice.choice(pieces)(depth)

    def _bare(self, _: int) -> tuple[str, str]:
        value = self.value()
        return value, value

    def _plain(self, _: int) -> tuple[str, str]:
        plain = [
            ("pre", "pre"), ("--opt=", "--opt="), ("\\'", "'"), ("a\\\n", "a"), ("'a b'", "a b"),
            ("a/b.c", "a/b.c"), ("x=", "x="), ("\\$", "$"), ("%s", "%s"), ("$x-", "X-"),
            ("${x}", "X"), ("$1", "ONE"), ("@:", "@:"),
        ]  # fmt: skip
        if self.is_bash:
            plain.append(("$'a\\'b\\n'", "a'b\n"))
        return self.dice.choice(plain)

    def _single(self, _: int) -> tuple[str, str]:
        inside = "".join(
            self.dice.choice(["a b", '"', "\\", "$x", "`", "$(", "#", "\n", self.value()])
            for _ in range(self.dice.randint(1, 3))
        )
        return f"'{inside}'", inside

    def _double(self, depth: int) -> tuple[str, str]:
        text = result = ""
        for _ in range(self.dice.randint(1, 4)):
            match self.dice.randint(0, 7 if depth > 0 else 5):
                case 0 | 1 | 2:
                    value = self.value()
                    text, result = text + value, result + value
                case 3 | 4:
                    plain = [("'", "'"), ('\\"', '"'), ("\\\\", "\\"), ("#", "#"),
                             ("\\$", "$"), ("*", "*"), ("\n", "\n"), ("\\q", "\\q"), ("!", "!"),
                             ("${#x}", "1"), ("${x%Y}", "X"), ("\\\n", ""), ("~", "~")]  # fmt: skip
                    if not text.replace("\\\n", "").endswith("$x"):
                        plain.append(("a b", "a b"))  # `$xa` would be another variable.
                    more, meant = self.dice.choice(plain)
                    text, result = text + more, result + meant
                case 5:
                    more, meant = self.dice.choice([("$x", "X"), ("${x}", "X"), ("$1", "ONE")])
                    text, result = text + more, result + meant
                case _:
                    more, meant = self._substitution(depth - 1)
                    text, result = text + more, result + meant
        return f'"{text}"', result

    def _substitution(self, depth: int) -> tuple[str, str]:
        """What it prints ends in a dot: shells drop line ends there."""
        text, result = self.word(depth)
        shapes = [
            "$(printf '%s.' {})", "$( printf %s. {} )", "$(\n# it's\nprintf '%s.' {}\n)",
            "$(case x in x) printf '%s.' {};; esac)", "$(if true; then printf '%s.' {}; fi)",
            "$(y={}; printf '%s.' \"$y\")", "$( (printf '%s.' {}) )", "$(printf '%s.' {} | cat)",
        ]  # fmt: skip
        return self.dice.choice(shapes).replace("{}", text), f"{result}."

    def _risky(self, _: int) -> tuple[str, str]:
        value = self.value()
        risky = [
            f"${{z:-{value}}}", f"`printf %s {value}`", f"$(({value}))", f"$'{value}'",
            f'$"{value}"', f"{{a,{value}}}", f"[{value}]", f"\\{value}", f"${{x#{value}}}",
        ]  # fmt: skip
        return self.dice.choice(risky), value

    # -- commands: their text, and the arguments that are shown -------------------------

    def script(self) -> tuple[str, list[str]]:
        text = ""
        shown: list[str] = []
        for _ in range(self.dice.randint(1, 3)):
            more, also = self.command(2)
            text, shown = text + self._around() + more + "\n", shown + also
        return text, shown

    def _around(self) -> str:
        around = ["", "", "", "", "# it's \"open\n", "\n\n", ": <<E\nit's \"open\nE\n",
                  ": <<'E F'\n`'\nE F\n", ": \\\n a\n", "true 2>/dev/null;\n", "! false\n",
                  "cat <<-E >/dev/null\n\t$x\n\tE\n", "k() { :; }\n"]  # fmt: skip
        if self.dice.random() < 0.015:
            value = self.value()
            around = [f"# {value}\n", f": <<E\n{value}\nE\n", f": <<'E'\n{value}\nE\n"]
        return self.dice.choice(around)

    def command(self, depth: int) -> tuple[str, list[str]]:
        simple = [
            self._show, self._show, self._assign, self._for, self._prefix, self._set,
            self._function, self._here_string, self._array, self._local, self._test,
        ]  # fmt: skip
        compound = [self._compound, self._compound, self._list, self._pipe]
        return self.dice.choice(simple + (compound if depth > 0 else []))(depth)

    def _show(self, depth: int) -> tuple[str, list[str]]:
        words = [self.word(depth) for _ in range(self.dice.randint(1, 3))]
        end = self.dice.choice(["", "", "", ">&1", " 2>/dev/null", " </dev/null", " # it's"])
        if end.endswith("'s"):
            end += "\n:"
        return "show " + " ".join(text for text, _ in words) + end, [meant for _, meant in words]

    def _assign(self, depth: int) -> tuple[str, list[str]]:
        text, meant = self.word(depth) if self.dice.random() < 0.7 else self._substitution(depth)
        return f'y={text}; show "$y"', [meant]

    def _prefix(self, depth: int) -> tuple[str, list[str]]:
        text, meant = self.word(depth)
        return f"y={text} showy", [meant]

    def _for(self, depth: int) -> tuple[str, list[str]]:
        words = [self.word(depth) for _ in range(self.dice.randint(1, 3))]
        items = " ".join(text for text, _ in words)
        loop = self.dice.choice(
            ['for i in {}; do show "$i"; done', 'for i in {}\ndo\nshow "$i"\ndone']
        )
        return loop.replace("{}", items), [meant for _, meant in words]

    def _set(self, depth: int) -> tuple[str, list[str]]:
        text, meant = self.word(depth)
        return f'set -- {text} b; show "$@"; set -- ONE', [meant, "b"]

    def _function(self, depth: int) -> tuple[str, list[str]]:
        text, meant = self.word(depth)
        head = self.dice.choice(["f()", "function f"]) if self.is_bash else "f()"
        return f'{head} {{ show "$1" b; }}; f {text}', [meant, "b"]

    def _test(self, depth: int) -> tuple[str, list[str]]:
        text, meant = self.word(depth)
        value = self.value()
        tests = [f"[ {value} = {value} ]", f"test x{value} = x{value}", f"[ -n x{value} ]"]
        if self.is_bash:
            tests += [
                f"[[ -n x{value} ]]",
                f"[[ {value} < b || -n y ]]",
                f"[[ ! -z x{value} ]]",
            ]
        return f"{self.dice.choice(tests)} && show {text}", [meant]

    def _here_string(self, depth: int) -> tuple[str, list[str]]:
        if not self.is_bash:
            return self._show(depth)
        text, meant = self.word(depth)
        return f"IFS= read -r -d '' y <<< {text} || show \"$y\"", [f"{meant}\n"]

    def _array(self, depth: int) -> tuple[str, list[str]]:
        if not self.is_bash:
            return self._assign(depth)
        text, meant = self.word(depth)
        return f'a=(a {text} # it\'s\n [5]=b); show "${{a[@]}}"', ["a", meant, "b"]

    def _local(self, depth: int) -> tuple[str, list[str]]:
        text, meant = self.word(depth)
        if self.is_bash and self.dice.random() < 0.5:
            return f'g() {{ local q=a"{self.value()}"; show {text}; }}; g ONE', [meant]
        # Not every shell takes what follows for one word.
        value = self.value()
        return f'export E1="{value}"; show "$E1"', [value]

    def _compound(self, depth: int) -> tuple[str, list[str]]:
        text, shown = self.command(depth - 1)
        value = self.value()
        shapes = [
            "({})", "{ {}\n}", "if true; then {}\nfi", "if false; then :; else {}\nfi",
            f"case {value} in *) {{}}\n;; esac", f"case x in (y) show '{value}' ;; (x) {{}}\nesac",
            "while true; do {}\nbreak; done", "until false; do {}\nbreak\ndone",
            "h() { {}\n}; h ONE", "for i in 1; do {}\ndone", "for i\ndo {}\ndone",
            "! {  {}\n} || true", "{ {}\n} 2>/dev/null",
        ]  # fmt: skip
        return self.dice.choice(shapes).replace("{}", text), shown

    def _list(self, depth: int) -> tuple[str, list[str]]:
        first, shown = self.command(depth - 1)
        then, also = self.command(depth - 1)
        between = self.dice.choice([";\n", "\n", "\ntrue &&\n", "\nfalse || "])
        return f"{first}{between}{then}", shown + also

    def _pipe(self, depth: int) -> tuple[str, list[str]]:
        text, shown = self.command(depth - 1)
        return f"{{ {text}\n}} | cat | cat", shown
