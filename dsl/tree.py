"""The syntax tree: what was written, with spans and comments; no defaults and no meaning.

Every node is frozen and has a `span`. A string's span includes its quotes, a template's its braces.
"""

from orch.dsl.record import record
from orch.dsl.source import SourceFile, Span


@record
class Name:
    """A word: a keyword, the name of a setting, a label."""

    text: str
    span: Span


# -- values -------------------------------------------------------------------


@record
class Text:
    """Literal text inside a string, decoded: escapes resolved, common indentation removed."""

    text: str
    span: Span


@record
class Template:
    """`{{ … }}`: alone it is a value that keeps its type, inside a string it becomes text.

    `source` is what stands between the braces, character by character as in the file, so that
    offset i in it is offset `inner.start + i` in the file.
    """

    source: str
    span: Span
    inner: Span


@record
class String:
    """A string of any of the four kinds: alternating text and templates, in order.

    `is_literal` strings ('…' and '''…''') hold one `Text` or nothing.
    """

    parts: tuple[Text | Template, ...]
    span: Span
    is_literal: bool
    is_block: bool

    @property
    def is_static(self) -> bool:
        """Whether the string holds no template."""
        return Template not in [type(part) for part in self.parts]

    @property
    def static_text(self) -> str:
        """The whole text of a string without templates."""
        return "".join([part.text for part in self.parts if isinstance(part, Text)])


@record
class Integer:
    value: int
    span: Span


@record
class Float:
    """`written` is the number as it stands in the file, without underscores."""

    value: float
    written: str
    span: Span


@record
class Duration:
    value_ms: int
    span: Span


@record
class Size:
    value_bytes: int
    span: Span


@record
class Boolean:
    value: bool
    span: Span


@record
class Range:
    """`low..high`, both ends included; which of them is larger is not checked here."""

    low: "Value"
    high: "Value"
    span: Span


@record
class List:
    items: tuple["Value", ...]
    span: Span


@record
class MapEntry:
    key: Name | String
    value: "Value"
    span: Span


@record
class Map:
    entries: tuple[MapEntry, ...]
    span: Span


@record
class Selector:
    """`key=value` in `test[suite="db"]`; the value is a scalar."""

    key: Name
    value: "Value"
    span: Span


@record
class Segment:
    """One name of a reference, with the selectors behind it."""

    name: Name
    selectors: tuple[Selector, ...]
    span: Span


@record
class Reference:
    """A bare name: a stage (`web.lint`, `test[suite="db"]`) or a word that a setting allows."""

    segments: tuple[Segment, ...]
    span: Span

    @property
    def word(self) -> str | None:
        """The text of a reference that is one plain name."""
        only = self.segments[0]
        return only.name.text if len(self.segments) == 1 and not only.selectors else None


@record
class Call:
    """`exit(75)`: a word with arguments."""

    name: Name
    arguments: tuple["Value", ...]
    span: Span


Value = (
    String | Template | Integer | Float | Duration | Size | Boolean | Range | List | Map
    | Reference | Call
)  # fmt: skip


# -- items and blocks ---------------------------------------------------------


@record
class TypeName:
    """`string`, `list<string>`: a name and, in angle brackets, at most one argument."""

    name: Name
    argument: "TypeName | None"
    span: Span


@record
class Setting:
    """`name = value`; in an `env`, `with` or `matrix` block the name may be a string."""

    name: Name | String
    value: Value
    span: Span


@record
class Declaration:
    """`name: type` inside a block (`values { version: string }`)."""

    name: Name
    type: TypeName
    span: Span


@record
class Block:
    """A block of any of the forms, at the top of a file or inside another block.

    | written                       | label           | type | value | alias | body  |
    |-------------------------------|-----------------|------|-------|-------|-------|
    | `policy { … }`                |                 |      |       |       | items |
    | `stage build { … }`           | Name            |      |       |       | items |
    | `param x: int = 1 { … }`      | Name            | yes  | maybe |       | maybe |
    | `let x = 1`                   | Name            |      | yes   |       |       |
    | `secret TOKEN`, `… { … }`     | Name            |      |       |       | maybe |
    | `use "f.pipeline" as f { … }` | String          |      |       | Name  | maybe |

    `body` is None where no braces were written. `is_broken` says that a syntax error took
    something away, so that what is missing must not be reported again.
    """

    keyword: Name
    label: Name | String | None
    alias: Name | None
    type: TypeName | None
    value: Value | None
    body: tuple["Setting | Declaration | Block", ...] | None
    span: Span
    is_broken: bool = False


Item = Setting | Declaration | Block


@record
class Comment:
    """`# …` up to the end of its line, which the span leaves out."""

    text: str
    span: Span


@record
class SyntaxTree:
    """A file's blocks in written order. Blocks that could not be read at all are left out."""

    source: SourceFile
    blocks: tuple[Block, ...]
    comments: tuple[Comment, ...]
