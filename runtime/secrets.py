"""The secrets of a run: where their values come from, who gets them, what is masked.

Values live in memory and in the environment of the commands that list them; nowhere else.
"""

import os
import stat

from orch.compiler.plan import Plan, PlannedStage, SecretSource
from orch.dsl.record import record
from orch.dsl.type_names import TYPE_CHECKING, Collection, Iterator, Mapping

if TYPE_CHECKING:
    from orch.runtime.mask import Mask

FEWEST_CHARACTERS = 4
MOST_BYTES = 65536
"""No secret is larger; a system takes twice that for one variable of an environment."""


class SecretError(ValueError):
    """A stage that will run lists a secret that can't be had; the message says which, why, and
    what to do."""


@record
class Secrets:
    """`values` are those that could be had, by name; `sources` the variables they come from, by
    name; `mask` is None where there is nothing to mask."""

    values: Mapping[str, str]
    sources: Mapping[str, str]
    mask: "Mask | None"

    def of(self, stage: PlannedStage) -> dict[str, str]:
        """The variables that a stage gets."""
        return {name: self.values[name] for name in stage.secrets if name in self.values}

    def hidden_from(self, stage: PlannedStage) -> frozenset[str]:
        """The variables of orch's own environment that a stage must not get."""
        listed = {variable for name, variable in self.sources.items() if name in stage.secrets}
        return frozenset(self.sources.values()) - listed

    def masked(self, text: str) -> str:
        """A text as it may be told."""
        return text if self.mask is None else self.mask.masked_text(text)

    def is_in(self, text: str | bytes) -> bool:
        """Whether any of them shows in it, in one of its forms."""
        data = text.encode(errors="surrogatepass") if isinstance(text, str) else text
        return self.mask is not None and bool(self.mask.forms_in(data))


NO_SECRETS = Secrets({}, {}, None)


def resolve_secrets(
    plan: Plan, root: str, environment: Mapping[str, str], settled: Collection[str] = ()
) -> Secrets:
    """The secrets of a plan, read now; `settled` are stages that will not run.

    Those that no stage asks for are read as well, where they can be, so that they are masked too.
    Raises `SecretError` for all that are missing or too short, and asked for.
    """
    if not plan.secrets:
        return NO_SECRETS
    values: dict[str, str] = {}
    problems: list[str] = []
    for source in plan.secrets:
        value, problem = _read(source, root, environment)
        user = _first_user(plan, source.name, settled)
        if problem is None:
            assert value is not None
            values[source.name] = value
        elif user is not None and (value is not None or source.required):
            problems.append(f"stage `{user}` needs the secret `{source.name}`, but {problem}")
    if problems:
        raise SecretError("; ".join(problems))
    from orch.runtime.mask import Mask
    from orch.runtime.secret_forms import forms_of

    sources = {source.name: source.env for source in plan.secrets if source.env is not None}
    forms = {form for value in values.values() for form in forms_of(os.fsencode(value))}
    return Secrets(values, sources, Mask(forms) if forms else None)


def _first_user(plan: Plan, name: str, settled: Collection[str]) -> str | None:
    return next(
        (
            stage.id
            for stage in plan.stages
            if name in stage.secrets and stage.skip is None and stage.id not in settled
        ),
        None,
    )


def _read(
    source: SecretSource, root: str, environment: Mapping[str, str]
) -> tuple[str | None, str | None]:
    """The value, and what is wrong with it; no value where there is none."""
    if source.env is not None:
        where = f"`${source.env}`"
        value = environment.get(source.env)
        remedy = f"set it, for example `export {source.env}=…`"
        if not value:
            return None, f"{where} is {'not set' if value is None else 'empty'}; {remedy}"
    else:
        assert source.file is not None
        where = f"the file `{source.file}`"
        remedy = "put the whole secret there"
        try:
            data = _read_file(os.path.join(root, source.file))
        except FileNotFoundError:
            return None, f"there is no file `{source.file}`; {remedy}"
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else str(error)
            return "", f"{where} can't be read: {why}"
        value = os.fsdecode(data).rstrip("\r\n")
        if not value:
            return None, f"{where} is empty; {remedy}"
    problem = next(_faults(value), None)
    return value, None if problem is None else f"{where} {problem}"


def _faults(value: str) -> Iterator[str]:
    if len(value) < FEWEST_CHARACTERS:
        yield f"has under {FEWEST_CHARACTERS} characters, too few to be masked; use a longer one"
    if len(os.fsencode(value)) > MOST_BYTES:
        yield f"holds more than {MOST_BYTES} bytes; hand on the path of such a file instead"
    if "\0" in value:
        yield "holds a NUL, which no variable can; keep it there in base64"


def _read_file(path: str) -> bytes:
    """Up to one byte more than a secret may have, without waiting for anybody; links are followed,
    since that is how secrets are mounted."""
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(fd, "rb") as file:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise ValueError("it is no regular file")
        return file.read(MOST_BYTES + 2)
