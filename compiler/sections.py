"""One block held against the table of settings: what is known, given once and in its place.

Values are not looked at. What is unknown, given twice or out of place is reported and left out, so
that later passes see each setting once (E0101, E0202, E0205, E0209, E0210, E0401, E0403, E0603).
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from orch.compiler.foreign_words import meant_word
from orch.compiler.settings import POLICY, PROBES, BlockSpec, SettingSpec
from orch.dsl.diagnostics import Diagnostic, Related
from orch.dsl.shown import shown
from orch.dsl.source import SourceFile, Span
from orch.dsl.suggest import did_you_mean
from orch.dsl.tree import Block, Declaration, Name, Setting, String

_STAGE_LIKE = ("stage", "finally")
_NODES = ("stage", "finally", "service", "use")
_NEXT = re.compile(r"(?:\s|#[^\n]*+)*+(\S)")


@dataclass(frozen=True, slots=True, eq=False)
class Section:
    """A block with its settings by name and its inner blocks by keyword, each at most once.

    `entries` are the freely named settings of `env`, `with` and `matrix`, `declarations` those of
    `values`. `name` is empty for a block without a label. Of two blocks of one name the second is
    a duplicate: its own mistakes are reported, and it is no part of the plan.
    """

    spec: BlockSpec
    block: Block
    name: str
    settings: Mapping[str, Setting]
    sections: Mapping[str, "Section"]
    entries: tuple[Setting, ...]
    declarations: tuple[Declaration, ...]
    is_duplicate: bool = False

    @property
    def head(self) -> Span:
        """The block's keyword and name."""
        span = self.block.keyword.span
        label = self.block.label
        return span if label is None else span.to(label.span)

    @property
    def name_span(self) -> Span:
        """The name, or the keyword of a block without one."""
        label = self.block.alias or self.block.label
        return self.block.keyword.span if label is None else label.span


@dataclass(slots=True)
class _Parts:
    """What was found in a block so far.

    `names` holds every name given, with its first place; `meant` the settings that something wrong
    was probably meant for, which are not reported as missing on top of that.
    """

    settings: dict[str, Setting] = field(default_factory=dict)
    sections: dict[str, Section] = field(default_factory=dict)
    entries: list[Setting] = field(default_factory=list)
    declarations: list[Declaration] = field(default_factory=list)
    names: dict[str, Name | String] = field(default_factory=dict)
    meant: set[str] = field(default_factory=set)


class SectionReader:
    """Reads the blocks of one file; what is wrong with them goes to `found`."""

    def __init__(self, source: SourceFile, found: list[Diagnostic]) -> None:
        self._source = source
        self._found = found

    def read(self, spec: BlockSpec, block: Block) -> Section | None:
        """A block at the top of the file; None where what it is can't be told."""
        return self._section(spec, block, spec.keyword) if self._has_head(spec, block) else None

    def report(
        self,
        code: str,
        message: str,
        span: Span,
        help_: str | None = None,
        related: tuple[Related, ...] = (),
    ) -> None:
        path = self._source.path
        self._found.append(Diagnostic(code, message, path, span, "", help_, related))

    def report_unknown(
        self, name: Name | String, code: str, what: str, known: Collection[str]
    ) -> str | None:
        """Say that a name is unknown, and which one may have been meant; gives that one."""
        text = _text(name) or "…"
        hint = meant_word(text, known)
        help_ = did_you_mean(hint)
        self.report(code, f"`{shown(text)}` is no {what}", name.span, help_)
        return hint

    def report_twice(self, second: Name | String, first: Name | String) -> None:
        """Say that something is given twice (E0209)."""
        related = (Related("first given here", self._source.path, first.span),)
        message = f"`{shown(_text(second) or '…')}` is given twice"
        self.report("E0209", message, second.span, None, related)

    # -- heads ------------------------------------------------------------------

    def _has_head(self, spec: BlockSpec, block: Block) -> bool:
        """Whether the block has the name that its keyword wants, and nothing that it doesn't."""
        if block.is_broken and (block.label is None or (spec.keyword == "use" and not block.alias)):
            return spec.keyword == "policy"
        keyword = spec.keyword
        name = block.alias if keyword == "use" else block.label
        if keyword == "policy":
            if block.label is not None:
                self.report("E0101", "`policy` takes no name", block.label.span)
            elif block.body is None:
                self.report("E0403", "`policy` has no `{ … }`", block.keyword.span)
            return block.label is None
        if keyword == "use" and not isinstance(block.label, String):
            place = block.label.span if block.label is not None else self._behind(block)
            self.report("E0101", "`use` takes the path of a file in quotes", place)
            return False
        if not isinstance(name, Name):
            place = self._behind(block) if name is None else name.span
            help_ = "write `use … as NAME`" if keyword == "use" else f"write `{keyword} NAME`"
            self.report("E0101", f"`{keyword}` needs a name here", place, help_)
            return False
        self._check_rest_of_head(block, keyword)
        return True

    def _check_rest_of_head(self, block: Block, keyword: str) -> None:
        if block.alias is not None and keyword != "use":
            self.report("E0101", f"`as` doesn't belong to a {keyword}", block.alias.span)
        if block.type is not None and keyword != "param":
            self.report("E0101", f"a type doesn't belong to a {keyword}", block.type.span)
        if block.value is not None and keyword not in ("param", "let"):
            self.report("E0101", f"a value doesn't belong to a {keyword}", block.value.span)
        if block.is_broken:
            return
        name = block.label
        if not isinstance(name, Name):
            return
        head = block.keyword.span.to(name.span)
        if keyword == "param" and block.type is None:
            help_ = f"write `param {name.text}: string`, or another type"
            self.report("E0403", f"param `{name.text}` has no type", head, help_)
        if keyword == "let" and block.value is None:
            help_ = f"write `let {name.text} = …`"
            self.report("E0403", f"let `{name.text}` has no value", head, help_)

    def _behind(self, block: Block) -> Span:
        """The token behind a block's head, where something is missing; the keyword where the block
        ends there."""
        end = (block.label or block.keyword).span.end
        match = _NEXT.match(self._source.text, end, block.span.end)
        return block.keyword.span if match is None else Span(match.start(1), match.end(1))

    # -- bodies ------------------------------------------------------------------

    def _section(self, spec: BlockSpec, block: Block, top: str) -> Section:
        """A block's parts; `top` is the keyword of the block at the top of the file around it."""
        parts = _Parts()
        for item in block.body or ():
            if isinstance(item, Block):
                self._inner(spec, item, parts, top)
            elif isinstance(item, Declaration):
                self._declaration(spec, item, parts)
            elif spec.entries is not None:
                self._entry(item, parts)
            elif self._is_known(spec, item, parts, top) and self._is_new(item.name, parts):
                parts.settings[_text(item.name) or ""] = item
        name = block.alias or block.label
        section = Section(
            spec,
            block,
            name.text if isinstance(name, Name) else "",
            parts.settings,
            parts.sections,
            tuple(parts.entries),
            tuple(parts.declarations),
        )
        self._check_required(section, parts.meant)
        if spec.keyword in _STAGE_LIKE:
            self._check_given_both_ways(section)
        return section

    def _inner(self, spec: BlockSpec, block: Block, parts: _Parts, top: str) -> None:
        keyword = block.keyword
        inner = spec.blocks.get(keyword.text)
        if inner is None:
            if _is_bound_of_run(spec, keyword):
                self._of_run(keyword)
            else:
                self._unknown_block(spec, keyword, parts)
            return
        if block.label is not None:
            self.report("E0101", f"`{keyword.text}` takes no name here", block.label.span)
        if inner.is_of_run and top in _NODES:
            self._of_run(keyword)
        elif self._is_new(keyword, parts):
            parts.sections[keyword.text] = self._section(inner, block, top)

    def _declaration(self, spec: BlockSpec, item: Declaration, parts: _Parts) -> None:
        name = item.name
        if not spec.declares:
            if name.text in spec.settings or spec.entries is not None:
                message = f"`{name.text}: …` declares a type, and a value is due here"
                self.report("E0101", message, item.type.span, f"write `{name.text} = …`")
                parts.meant.add(name.text)
            else:
                self._unknown_setting(spec, name, parts)
            return
        if "-" in name.text:
            self.report("E0210", f"a value's name can't hold `-`: `{name.text}`", name.span)
        first = parts.names.setdefault(name.text.lower(), name)
        if first is name:
            parts.declarations.append(item)
            return
        related = (Related("first declared here", self._source.path, first.span),)
        self.report("E0202", f"`{name.text}` is declared twice", name.span, None, related)

    def _entry(self, item: Setting, parts: _Parts) -> None:
        if _text(item.name) is None:
            self.report("E0401", "a name can't hold a template", item.name.span)
        elif self._is_new(item.name, parts):
            parts.entries.append(item)

    def _is_new(self, name: Name | String, parts: _Parts) -> bool:
        first = parts.names.setdefault(_text(name) or "", name)
        if first is not name:
            self.report_twice(name, first)
        return first is name

    def _is_known(self, spec: BlockSpec, setting: Setting, parts: _Parts, top: str) -> bool:
        name = setting.name
        known = spec.settings.get(_text(name) or "")
        if isinstance(name, Name) and known is None and name.text in spec.blocks:
            message = f"`{name.text}` is a block, not a value"
            self.report("E0401", message, setting.value.span, f"write `{name.text} {{ … }}`")
            return False
        if known is not None and isinstance(name, String):
            message = f"the setting `{known.name}` stands without quotes"
            self.report("E0205", message, name.span, f"write `{known.name} = …`")
            parts.meant.add(known.name)
            return False
        if known is None or isinstance(name, String):
            if isinstance(name, Name) and _is_bound_of_run(spec, name):
                self._of_run(name)
            else:
                self._unknown_setting(spec, name, parts)
            return False
        if known.is_of_run and top in _NODES:
            self._of_run(name)
            return False
        return True

    def _of_run(self, name: Name) -> None:
        message = f"`{name.text}` is a bound of the whole run: it belongs at the top of the file"
        self.report("E0603", message, name.span, "put it into a `policy` block there")

    def _unknown_setting(self, spec: BlockSpec, name: Name | String, parts: _Parts) -> None:
        known = [*spec.settings, *spec.blocks]
        hint = self.report_unknown(name, "E0205", f"setting of `{spec.keyword}`", known)
        if hint is not None:
            parts.meant.add(hint)

    def _unknown_block(self, spec: BlockSpec, keyword: Name, parts: _Parts) -> None:
        name = keyword.text
        if name not in spec.settings:
            self._unknown_setting(spec, keyword, parts)
            return
        message = f"`{name}` takes a value, not a block"
        self.report("E0205", message, keyword.span, f"write `{name} = …`")
        parts.meant.add(name)

    # -- whole blocks --------------------------------------------------------------

    def _check_required(self, section: Section, meant: set[str]) -> None:
        block = section.block
        # Of `stage build = "make"` it was said that a value doesn't belong there.
        if block.is_broken or (block.body is None and block.value is not None):
            return
        there = section.settings.keys() | meant
        for setting in section.spec.settings.values():
            if setting.is_required and setting.name not in there:
                self._missing(section, setting)
        if section.spec.keyword == "ready":
            self._check_probes(section, is_one_meant=not meant.isdisjoint(PROBES))

    def _missing(self, section: Section, setting: SettingSpec) -> None:
        label = section.block.label
        subject = section.spec.keyword
        if isinstance(label, Name):
            subject = f"{subject} `{label.text}`"
        help_ = f"`{setting.name}`: {setting.doc}"
        self.report("E0403", f"{subject} has no `{setting.name}`", section.head, help_)

    def _check_probes(self, section: Section, *, is_one_meant: bool) -> None:
        probes = [section.settings[name] for name in PROBES if name in section.settings]
        if not probes and not is_one_meant:
            words = ", ".join(f"`{name}`" for name in PROBES)
            self.report("E0403", f"`ready` needs a probe, one of {words}", section.head)
        probes.sort(key=lambda probe: probe.span)
        for probe in probes[1:]:
            first = _text(probes[0].name)
            message = f"`ready` has one probe, and `{first}` is one already"
            related = (Related("this is one already", self._source.path, probes[0].name.span),)
            self.report("E0209", message, probe.name.span, None, related)

    def _check_given_both_ways(self, section: Section) -> None:
        """A policy setting stands directly in a stage or in its `policy`, not in both."""
        policy = section.sections.get("policy")
        if policy is None:
            return
        pairs = [(policy, section)]
        pairs += [
            (inner, section.sections[keyword])
            for keyword, inner in policy.sections.items()
            if keyword in section.sections
        ]
        for one, other in pairs:
            for name in one.settings.keys() & other.settings.keys():
                names = (one.settings[name].name, other.settings[name].name)
                first, second = sorted(names, key=lambda name: name.span)
                self.report_twice(second, first)


def _is_bound_of_run(spec: BlockSpec, name: Name) -> bool:
    """Whether a name that a stage, service or use doesn't know is a bound of the whole run."""
    known = POLICY.settings.get(name.text) or POLICY.blocks.get(name.text)
    return spec.keyword in _NODES and known is not None and known.is_of_run


def _text(name: Name | String) -> str | None:
    """A name as text; None for a string that holds a template."""
    if isinstance(name, Name):
        return name.text
    return name.static_text if name.is_static else None
