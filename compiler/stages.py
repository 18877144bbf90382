"""From nodes to planned stages: every setting evaluated, in the scope of its combination.

What doesn't differ between the combinations of a matrix is evaluated once for all of them.
"""

from collections.abc import Mapping, Sequence
from posixpath import join
from typing import Any

from orch.compiler.carried_values import judge_carried_values
from orch.compiler.commands import NO_COMMAND, Command, read_command
from orch.compiler.environments import (
    Environment,
    Variables,
    merged_environment,
    read_variables,
)
from orch.compiler.expand import FileInstance, Node, Use
from orch.compiler.globs import GlobError, split_pattern
from orch.compiler.outline import Outline
from orch.compiler.plan import Kind, PlannedStage, StagePolicy
from orch.compiler.policy import Layers, over, read_section, stage_policy
from orch.compiler.reading import Reader
from orch.compiler.sections import Section
from orch.compiler.services import read_ready
from orch.compiler.templates import Templates
from orch.compiler.values import Late, Unknown, plain, type_from
from orch.dsl.record import EMPTY, record
from orch.dsl.shown import shown
from orch.dsl.source import Span
from orch.dsl.suggest import did_you_mean, near_miss
from orch.dsl.tree import List, Reference, Setting, Template, Value

_KINDS: Mapping[str, Kind] = {"stage": "stage", "service": "service", "finally": "finally"}


@record
class Condition:
    """Whether a stage runs: `skip` is the reason for which it doesn't, `late` what decides while
    running. Both None: it runs."""

    skip: str | None = None
    late: str | None = None


class StageBuilder:
    """Builds the stages of one plan; `commands` are the last word of the command line."""

    def __init__(
        self,
        nodes: Sequence[Node],
        needs: Sequence[tuple[int, ...]],
        templates: Templates,
        command_line: Layers,
    ) -> None:
        self._nodes = nodes
        self._needs = needs
        self._templates = templates
        self._command_line = command_line
        self._shared: dict[tuple[int, FileInstance], Any] = {}
        self._policies: dict[tuple[int, ...], tuple[StagePolicy, Layers]] = {}
        self._last_reader: tuple[Node, Reader] | None = None
        self._last_needs: tuple[tuple[int, ...], tuple[str, ...]] = ((), ())
        self.policies: dict[str, Layers] = {}

    def build(self, node: Node) -> PlannedStage:
        """The planned stage of a node. Where something about it is unknown or wrong, which was
        reported, there is a harmless value in its place, for the plan will not be used."""
        section = node.section
        policy, self.policies[node.id] = self._policy(node)
        environment = self._environment(node)
        secrets = self._secrets(node, environment)
        command = self._command(node)
        condition = self._condition(node)
        cwd = self._setting(node, "cwd", ".")
        stdin, summary = self._setting(node, "stdin", None), self._setting(node, "summary", None)
        late = {
            name: value.text
            for name, value in (("stdin", stdin), ("summary", summary))
            if isinstance(value, Late)
        }
        is_service = node.kind == "service"
        return PlannedStage(
            id=node.id,
            kind=_KINDS[node.kind],
            title=self._setting(node, "title", None),
            needs=self._need_ids(node),
            matrix=plain(node.row) if node.row else EMPTY,
            argv=command.argv,
            shell=command.shell,
            env=environment.texts,
            cwd=cwd,
            stdin=None if "stdin" in late else stdin,
            tty=self._setting(node, "tty", default=False),
            skip=condition.skip,
            when=condition.late,
            bindings={**environment.late, **command.bindings} or EMPTY,
            policy=policy,
            secrets=secrets,
            values=self._values(section, node.file),
            inputs=self._globs(node, "inputs", cwd),
            outputs=self._globs(node, "outputs", cwd),
            artifacts=self._globs(node, "artifacts", cwd),
            pool=self._pool(node),
            exclusive=self._setting(node, "exclusive", None),
            allow_failure=self._setting(node, "allow_failure", default=False),
            summary=None if "summary" in late else summary,
            ready=self._ready(node),
            stop=self._setting(node, "stop", "TERM") if is_service else None,
            late=late or EMPTY,
        )

    # -- reading with as little repetition as possible --------------------------

    def _reader(self, node: Node) -> Reader:
        if self._last_reader is None or self._last_reader[0] is not node:
            file = node.file
            reader = self._templates.reader(file.outline, file.constants, node.row, node)
            self._last_reader = (node, reader)
        return self._last_reader[1]

    def _varies(self, node: Node, value: Value) -> bool:
        return node.row is not None and self._templates.varies(value, node.file.outline.path)

    def _setting(self, node: Node, name: str, default: Any) -> Any:
        """The value of a setting; the default where it is not written, unknown or wrong."""
        setting = node.section.settings.get(name)
        if setting is None:
            return default
        spec = node.section.spec.settings[name]
        value = self._once(node, setting, lambda: self._reader(node).setting(setting.value, spec))
        return default if isinstance(value, Unknown) else value

    def _once(self, node: Node, setting: Setting, read: Any) -> Any:
        """What `read` gives, asked for once in all combinations that agree on it."""
        if node.row is None or self._varies(node, setting.value):
            return read()
        key = (id(setting), node.file)
        if key not in self._shared:
            self._shared[key] = read()
        return self._shared[key]

    # -- graph and conditions ----------------------------------------------------

    def _need_ids(self, node: Node) -> tuple[str, ...]:
        numbers = self._needs[node.index]
        if self._last_needs[0] is not numbers:
            self._last_needs = (numbers, tuple(self._nodes[number].id for number in numbers))
        return self._last_needs[1]

    def _condition(self, node: Node) -> Condition:
        """The stage's own `when` and those of the uses that bring it in: all must hold."""
        late: list[str] = []
        uses = list(_uses(node.file))
        for use in reversed(uses):
            reader = self._templates.reader(
                use.file.outline, use.file.constants, use.row, node, use
            )
            found = self._one_condition(use.section, reader, use.file.outline)
            if found.skip is not None:
                return Condition(f"{found.skip} (of `{use.section.name}`)")
            late += [found.late] if found.late is not None else []
        own = self._one_condition(node.section, self._reader(node), node.file.outline)
        if own.skip is not None:
            return own
        late += [own.late] if own.late is not None else []
        if len(late) > 1:
            late = [" and ".join(f"({text})" for text in late)]
        return Condition(None, late[0] if late else None)

    def _one_condition(self, section: Section, reader: Reader, outline: Outline) -> Condition:
        setting = section.settings.get("when")
        if setting is None:
            return _ALWAYS
        value = reader.setting(setting.value, section.spec.settings["when"])
        if isinstance(value, Late):
            return Condition(None, value.text)
        if value is False:
            self._never(section, setting.value, reader, outline)
            return Condition(_reason(setting.value))
        return _ALWAYS

    def _never(self, section: Section, value: Value, reader: Reader, outline: Outline) -> None:
        """W0705, where no argument and no combination could make it true."""
        if self._templates.is_constant(value, outline):
            message = f"{section.spec.keyword} `{section.name}` can never run: its `when` is false"
            reader.report("W0705", message, value.span)

    # -- what is started ----------------------------------------------------------

    def _command(self, node: Node) -> Command:
        setting = node.section.settings.get("run")
        shell_setting = node.section.settings.get("shell")
        shell = "sh" if shell_setting is None else self._setting(node, "shell", None)
        if setting is None:
            return NO_COMMAND
        if _says_variables(node.section):
            judge_carried_values(node.section, shell, self._reader(node))
        if shell_setting is not None and self._varies(node, shell_setting.value):
            return read_command(setting.value, shell, self._reader(node))
        command: Command = self._once(
            node,
            setting,
            lambda: read_command(setting.value, shell, self._reader(node)),
        )
        return command

    def _environment(self, node: Node) -> Environment:
        """Variables of the uses, the outermost first, then the stage's own."""
        if node.file.use is None and not _says_variables(node.section):
            return _NO_VARIABLES
        layers: list[Variables] = []
        for use in reversed(list(_uses(node.file))):
            reader = self._templates.reader(
                use.file.outline, use.file.constants, use.row, node, use
            )
            layers.append(self._variables(use.section, reader, None))
        layers.append(self._variables(node.section, self._reader(node), node))
        return merged_environment(layers)

    def _variables(self, section: Section, reader: Reader, node: Node | None) -> Variables:
        """The variables of a section; those of a stage, which has a node, are shared between its
        combinations where that is possible."""
        if node is None:
            return read_variables(section, reader, lambda _setting, read: read())
        return read_variables(
            section, reader, lambda setting, read: self._once(node, setting, read)
        )

    # -- names --------------------------------------------------------------------

    def _secrets(self, node: Node, environment: Environment) -> tuple[str, ...]:
        """The secrets that a stage may see: variables too, so `env` sets none of them (E0202)."""
        setting = node.section.settings.get("secrets")
        if setting is None:
            return ()
        found: tuple[str, ...] = self._once(
            node, setting, lambda: self._listed_secrets(setting, node)
        )
        for name in found:
            if name in environment.texts or name in environment.late:
                message = f"`{name}` is a secret here, and set in `env` too"
                self._reader(node).report("E0202", message, _place_of(name, setting.value))
        return found

    def _listed_secrets(self, setting: Setting, node: Node) -> tuple[str, ...]:
        reader = self._reader(node)
        value = setting.value
        if not isinstance(value, List):
            reader.report("E0401", "`secrets` takes a list of names", value.span)
            return ()
        names: dict[str, None] = {}
        for item in value.items:
            name = item.word if isinstance(item, Reference) else None
            if name is None:
                message = "`secrets` takes names of secrets"
                reader.report("E0401", message, item.span, "a secret's name stands without quotes")
            elif self._is_declared(name, "secret", node, item.span, reader):
                names[name] = None
        return tuple(names)

    def _pool(self, node: Node) -> str | None:
        setting = node.section.settings.get("pool")
        if setting is None:
            return None
        found: str | None = self._once(node, setting, lambda: self._named_pool(setting, node))
        return found

    def _named_pool(self, setting: Setting, node: Node) -> str | None:
        reader = self._reader(node)
        value = setting.value
        name = value.word if isinstance(value, Reference) else None
        if name is None:
            help_ = "a pool's name stands without quotes"
            reader.report("E0401", "`pool` takes the name of a pool", value.span, help_)
        elif self._is_declared(name, "pool", node, value.span, reader):
            return f"{node.file.prefix}{name}"
        return None

    def _is_declared(self, name: str, what: str, node: Node, span: Span, reader: Reader) -> bool:
        outline = node.file.outline
        known = outline.secrets if what == "secret" else outline.pools
        if name in known:
            return True
        if name.lower() not in outline.poisoned:
            hint = near_miss(name, known)
            help_ = did_you_mean(hint)
            code = "E0207" if what == "secret" else "E0206"
            reader.report(code, f"no {what} `{shown(name)}` is declared in this file", span, help_)
        return False

    # -- values, files, policy ------------------------------------------------------

    def _values(self, section: Section, file: FileInstance) -> Mapping[str, str]:
        block = section.sections.get("values")
        if block is None:
            return EMPTY
        key = (id(block), file)
        if key not in self._shared:
            self._shared[key] = {
                declaration.name.text: str(type_)
                for declaration in block.declarations
                if (type_ := type_from(declaration.type)) is not None
            }
        values: Mapping[str, str] = self._shared[key]
        return values

    def _globs(self, node: Node, name: str, cwd: str) -> tuple[str, ...]:
        setting = node.section.settings.get(name)
        patterns: tuple[str, ...] = self._setting(node, name, ())
        for at, pattern in enumerate(patterns):
            written = pattern.removeprefix("!")
            try:
                split_pattern(join(cwd, written) if pattern else "")
            except GlobError as error:
                assert setting is not None
                nodes = setting.value.items if isinstance(setting.value, List) else ()
                span = nodes[at].span if len(nodes) == len(patterns) else setting.value.span
                # The pattern is told as it is written, and not behind the folder it counts from.
                message = str(error).replace(join(cwd, written), written)
                self._reader(node).report("E0407", message, span)
        return patterns

    def _ready(self, node: Node) -> Mapping[str, Any] | None:
        section = node.section.sections.get("ready")
        if section is None:
            return None
        return read_ready(section, self._reader(node))

    def _policy(self, node: Node) -> tuple[StagePolicy, Layers]:
        """The stage's policy; combinations that say the same share one record."""
        own: Layers = {}
        section = node.section
        if node.kind != "service" and _says_policy(section):
            own = self._own_policy(node)
        key = (id(node.file.layers), *(id(given) for given in own.values()))
        if key not in self._policies:
            layers = over(over(node.file.layers, own), self._command_line)
            self._policies[key] = (stage_policy(layers), layers)
            # The key holds identities, so what they belong to has to stay alive.
            self._shared[(id(own), node.file)] = own
        return self._policies[key]

    def _own_policy(self, node: Node) -> Layers:
        section = node.section
        place = self._templates.place(node.file.outline.path)
        key = (id(section), node.file)
        if node.row is not None and not self._templates.policy_varies(
            section, node.file.outline.path
        ):
            if key not in self._shared:
                self._shared[key] = read_section(section, self._reader(node), place)
            shared: Layers = self._shared[key]
            return shared
        return read_section(section, self._reader(node), place)


_ALWAYS = Condition()
_NO_VARIABLES = Environment({}, {})


def _place_of(name: str, listed: Value) -> Span:
    items = listed.items if isinstance(listed, List) else ()
    return next((i.span for i in items if isinstance(i, Reference) and i.word == name), listed.span)


def _uses(file: FileInstance) -> "list[Use]":
    """The uses that bring a file in, the innermost first."""
    found: list[Use] = []
    while file.use is not None:
        found.append(file.use)
        file = file.use.file
    return found


def _says_variables(section: Section) -> bool:
    return "env" in section.settings or "env" in section.sections


def _says_policy(section: Section) -> bool:
    return not (
        section.settings.keys().isdisjoint(("timeout", "grace"))
        and section.sections.keys().isdisjoint(("policy", "retry", "output"))
    )


def _reason(value: Value) -> str:
    if isinstance(value, Template):
        return f"when is false: {' '.join(value.source.split())}"
    return "when is false"
