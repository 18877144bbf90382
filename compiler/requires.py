"""Whether a pipeline takes this version of orch: `requires`, a PEP 440 range (E0006)."""

from orch import __version__
from orch.compiler.outline import Outline
from orch.dsl.diagnostics import Diagnostic
from orch.dsl.shown import shown
from orch.dsl.tree import String


def check_requires(outline: Outline) -> list[Diagnostic]:
    """What is wrong with the range, or with this version."""
    section = outline.pipeline
    setting = section.settings.get("requires") if section is not None else None
    value = setting.value if setting is not None else None
    if not isinstance(value, String) or not value.is_static:
        return []
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    text = value.static_text
    try:
        allowed = SpecifierSet(text)
    except InvalidSpecifier:
        message = f"`{shown(text)}` is no range of versions"
        help_ = "write one such as `>=1.2,<2`"
        return [Diagnostic("E0402", message, outline.path, value.span, help=help_)]
    if allowed.contains(__version__, prereleases=True):
        return []
    message = f"the pipeline requires orch {shown(text)}, and this is {__version__}"
    return [Diagnostic("E0006", message, outline.path, value.span)]
