"""Nasty values: what shells, Python and JavaScript would make something of if they read it."""

import random

NASTY = (
    "", " ", "a b", "-n", "-v", "--", "it's", "'", "''", '"', 'say "hi"', "\\", "a\\", "\\'",
    "\\\\", "$HOME ${HOME} $(echo PWNED) `echo PWNED` $((1+1)) $'x' $1", "$", "a$", "${", "$(",
    "`", "; echo PWNED", ") ; echo PWNED ; (", "}; echo PWNED; {", "*", "? [a-z] ~ {a,b} !(x)",
    "~", "~root", "wow! !!", "a\nb\n", "\n", "\n\n", "\nE\necho PWNED\n", "E\n",
    "\t\r\v\f\x01\x02\x1b\x7f\x80\x81\x88\xa0", "zo\u00eb \U0001f600 \u6f22\u5b57 \u2028\u2029",
    "\ufeff", "x=1", "a=$(echo PWNED)", "if", "esac", "done", "2", "08", "#x", " # x", "&", "&&",
    "a|b", "<x>y", "<<E", "{{ x }}", "a[$(echo PWNED)]", "%s%n\\n", "\\n\\0\\c", "*/", "//", "<!--",
    "</script>", "${process.exit(1)}", '"""', "'''", "{}", "\\u0041", "x" * 5000, "'" * 300,
)  # fmt: skip

_PIECES = "'\"\\$`(){}[]*?~!#&;|<>=%^+@:,./ \n\t\r-_ae1\u00e9\U0001f600\x01\x7f\u2028"


def nasty(dice: random.Random) -> str:
    """A value of the list, or one made of the characters that mean something."""
    match dice.randint(0, 3):
        case 0 | 1:
            return dice.choice(NASTY)
        case 2:
            return "".join(dice.choices(_PIECES, k=dice.randint(0, 14)))
        case _:
            numbers = (dice.randrange(1, 0x11_0000) for _ in range(dice.randint(1, 6)))
            return "".join(chr(n) for n in numbers if not 0xD800 <= n < 0xE000)
