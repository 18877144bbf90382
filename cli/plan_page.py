"""A plan written down for whoever reviews it: every fact of it, one a line, scripts as they are.

The page is what a snapshot test keeps. It looks like a `.pipeline` file and is none: everything is
evaluated, and stands where a diff shows what moved. Two plans have the same page exactly when they
are the same plan; the digest is left out, since it would move with every other line.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from orch.compiler.plan import Plan
from orch.compiler.quantities import quantity_text

_HEADLINE = "# A plan of orch: what this pipeline runs, evaluated.\n"
_INDENT = "  "
_WIDTH = 120
"""Lists and blocks that are wider get a line for each of their parts."""

# The settings of a stage in the order in which they are read; others follow by name.
_ORDER = (
    "title", "matrix", "skip", "needs", "when", "argv", "env", "bindings", "late", "stdin", "cwd",
    "tty", "secrets", "values", "inputs", "outputs", "artifacts", "ready", "stop", "pool",
    "exclusive", "allow_failure", "summary", "policy",
)  # fmt: skip

# Settings whose keys are names of the author, who may call an int `wait_ms`.
_NAMED_BY_THE_AUTHOR = frozenset({"matrix", "env", "bindings", "late", "values"})

_DURATION_UNITS = (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1))


def plan_page(plan: Plan) -> str:
    """The page of a plan, with a line end. Settings that hold nothing are left out."""
    value = plan.to_json()
    info = value["pipeline"]
    usual = _usual_policy(value["stages"])
    run_policy = _facts({**value["policy"], "every_stage": usual})
    blocks = [
        _block(f"pipeline {info['name']}", _facts(_without(info, "name"))),
        _block("params", _entries(value["params"])),
        *(
            _block(f"secret {each['name']}", _entries(_without(each, "name")))
            for each in value["secrets"]
        ),
        _block("pools", _entries(value["pools"])),
        _block("policy", run_policy),
        *(_stage(stage, usual) for stage in value["stages"]),
        _block("at_most", _facts(value["bounds"])),
    ]
    return _HEADLINE + "".join(f"\n{block}" for block in blocks if block)


def _usual_policy(stages: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """For each setting of a stage's policy the value that most stages have, the first of equals."""
    counts: dict[str, Counter[str]] = {}
    for stage in stages:
        for name, value in _dotted(stage["policy"]):
            counts.setdefault(name, Counter())[json.dumps(value)] += 1
    return _nested({name: json.loads(max(c, key=c.__getitem__)) for name, c in counts.items()})


def _stage(stage: Mapping[str, Any], usual: Mapping[str, Any]) -> str:
    """One stage; of its policy only what is unusual. Its command stands behind its shell's name."""
    common = dict(_dotted(usual))
    own = {name: value for name, value in _dotted(stage["policy"]) if common[name] != value}
    settings = {**stage, "policy": _nested(own)}
    if settings["cwd"] == ".":
        del settings["cwd"]
    names = [*_ORDER, *sorted(settings.keys() - {*_ORDER, "id", "kind", "shell"})]
    lines: list[str] = []
    for name in (name for name in names if name in settings):
        if name == "argv":
            lines += _value(f"{stage['shell'] or 'argv'} = ", settings[name])
        elif name in _NAMED_BY_THE_AUTHOR:
            lines += _map(name, settings[name], _entry) if settings[name] else []
        else:
            lines += _fact(name, settings[name])
    id_ = stage["id"]
    return _block(f"{stage['kind']} {id_ if id_.isprintable() else _json(id_)}", lines)


def _dotted(policy: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in policy.items():
        if isinstance(value, Mapping):
            yield from ((f"{name}.{inner}", each) for inner, each in value.items())
        else:
            yield name, value


def _nested(dotted: Mapping[str, Any]) -> dict[str, Any]:
    policy: dict[str, Any] = {}
    for name, value in dotted.items():
        block, dot, inner = name.partition(".")
        if dot:
            policy.setdefault(block, {})[inner] = value
        else:
            policy[name] = value
    return policy


def _without(settings: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in settings.items() if key != name}


# -- settings ------------------------------------------------------------------


def _block(head: str, lines: list[str]) -> str:
    """A block of the page; those that hold nothing are said where they stand for themselves."""
    if lines:
        return "".join(f"{line}\n" for line in (f"{head} {{", *_indented(lines), "}"))
    return f"{head} {{ }}\n" if " " in head else ""


def _facts(settings: Mapping[str, Any]) -> list[str]:
    return [line for name, value in settings.items() for line in _fact(name, value)]


def _entries(settings: Mapping[str, Any]) -> list[str]:
    return [line for name, value in sorted(settings.items()) for line in _entry(name, value)]


def _fact(name: str, value: Any) -> list[str]:
    """A setting of the plan's own shape: none where it is absent, off or empty."""
    # Zero is a value, though it equals False.
    if value is None or value is False or (isinstance(value, (list, dict, str)) and not value):
        return [f'{name} = ""'] if value == "" else []
    if isinstance(value, dict):
        return _map(name, value, _fact)
    for suffix, unit in (("_ms", "duration"), ("_bytes", "size")):
        if name.endswith(suffix):
            ends = value if isinstance(value, list) else [value]
            shown = "..".join(_quantity(end, unit) for end in ends)
            return [f"{name.removesuffix(suffix)} = {shown}"]
    return _value(f"{name} = ", value)


def _entry(name: str, value: Any) -> list[str]:
    """A setting that the author named: always there, and its value as it is."""
    key = name if name.isascii() and name.replace("-", "_").isidentifier() else _json(name)
    if isinstance(value, dict) and value:
        return _map(key, value, _entry)
    return _value(f"{key} = ", value)


def _map(key: str, value: Mapping[str, Any], draw: Callable[[str, Any], list[str]]) -> list[str]:
    drawn = [draw(name, each) for name, each in sorted(value.items())]
    joined = f"{key} {{ {', '.join(lines[0] for lines in drawn if lines)} }}"
    if len(joined) <= _WIDTH and all(len(lines) <= 1 for lines in drawn):
        return [joined]
    return [f"{key} {{", *_indented(line for lines in drawn for line in lines), "}"]


# -- values --------------------------------------------------------------------


def _value(lead: str, value: Any) -> list[str]:
    """A value behind `lead`; its further lines stand at the depth of the first, or deeper."""
    if isinstance(value, str):
        return _text(lead, value)
    if isinstance(value, list):
        return _list(lead, value)
    return [f"{lead}{_json(value)}"]


def _list(lead: str, items: list[Any]) -> list[str]:
    drawn = [_value("", item) for item in items]
    *before, last = drawn or [[""]]
    joined = ", ".join(lines[0] for lines in before)
    if all(len(lines) == 1 for lines in before):
        if len(last) == 1 and len(lead) + len(joined) + len(last[0]) <= _WIDTH:
            return [f"{lead}[{joined}{', ' if before else ''}{last[0]}]"]
        # A script is the last argument of its shell: it follows the others on their line.
        if last[0] == '"""' and len(lead) + len(joined) <= _WIDTH:
            return [f'{lead}[{joined}{", " if before else ""}"""', *last[1:-1], f"{last[-1]}]"]
    rows = (line for lines in drawn for line in (*lines[:-1], f"{lines[-1]},"))
    return [f"{lead}[", *_indented(rows), "]"]


def _text(lead: str, text: str) -> list[str]:
    """A text in the form that reads best.

    On one line it stands as in JSON, or as it is between other quotes; several lines stand as they
    are between three quotes, deeper than what is around them. Where something in a line acts or an
    editor would trim it, each is written as in JSON, with its line end.
    """
    lines = text.split("\n")
    if not all(map(_is_plain, lines)):
        pieces = [_json(piece) for piece in text.splitlines(keepends=True)]
        return [f"{lead}(", *_indented(pieces), ")"] if len(pieces) > 1 else [lead + pieces[0]]
    if len(lines) == 1 and not ('"' in text or "\\" in text):
        return [f"{lead}{_json(text)}"]
    for quote in ("'", "`"):
        if len(lines) == 1 and quote not in text:
            return [f"{lead}{quote}{text}{quote}"]
    last = lines.pop()
    return [f'{lead}"""', *_indented(lines), f'{_INDENT}{last}"""' if last else '"""']


def _is_plain(line: str) -> bool:
    """Whether a line can stand as it is: nothing in it acts, and an editor wouldn't trim it."""
    return line.replace("\t", "").isprintable() and line == line.rstrip()


def _json(value: Any) -> str:
    """A value as JSON; letters of all scripts are kept, and what acts instead of showing is not."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True)
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() else json.dumps(sign)[1:-1] for sign in text)


def _quantity(number: int, unit: str) -> str:
    if unit == "size" or number == 0:
        return quantity_text(number, unit)
    parts = []
    for name, size in _DURATION_UNITS:
        count, number = divmod(number, size)
        if count:
            parts.append(f"{count}{name}")
    return "".join(parts)


def _indented(lines: Iterable[str]) -> list[str]:
    return [f"{_INDENT}{line}" if line else "" for line in lines]
