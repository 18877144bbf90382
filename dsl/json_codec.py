"""JSON read and written by the C code under the standard library's `json`, without that package,
which with its regular expressions takes longer to import than the half of orch (ADR 33)."""

from orch.dsl.type_names import Any, Callable

__all__ = ["decode_json", "encode_basestring", "encode_basestring_ascii", "json_encoder"]


class _Defaults:
    """How `json.loads` has values made, as a scanner asks for it."""

    strict = True
    object_hook = object_pairs_hook = None
    parse_float = float
    parse_int = int
    parse_constant = {word: float(word) for word in ("NaN", "Infinity", "-Infinity")}.__getitem__


_defaults: Any = _Defaults
_scan: Callable[[str, int], tuple[Any, int]]
_make_encoder: Callable[..., Callable[[Any, int], tuple[str, ...]]] | None

try:
    from _json import encode_basestring, encode_basestring_ascii, make_encoder, make_scanner
except ImportError:  # Not every Python has it.
    from json import JSONDecoder
    from json.encoder import encode_basestring, encode_basestring_ascii

    _scan, _make_encoder = JSONDecoder().raw_decode, None
else:
    _scan, _make_encoder = make_scanner(_defaults), make_encoder


def decode_json(text: str | bytes) -> Any:
    """What `json.loads` returns. Raises what that does: ValueError and RecursionError."""
    try:
        # Bytes of another encoding than UTF-8 are none in it, or no JSON.
        plain = text if isinstance(text, str) else text.decode()
        value, end = _scan(plain, 0)
        if end == len(plain) or not plain[end:].strip(" \t\n\r"):
            return value
    except (StopIteration, SystemError, ValueError):
        # Python 3.11 says SystemError where `json.decoder`, which has the words for it, is missing.
        pass
    import json

    return json.loads(text)


def json_encoder(
    *,
    is_ascii: bool = True,
    is_sorted: bool = False,
    allows_nan: bool = True,
    default: Callable[[Any], Any] | None = None,
) -> Callable[[Any], str]:
    """A function that returns what `json.dumps` does, without blanks. Raises what that does:
    TypeError, ValueError and RecursionError. `default` makes of other values what JSON has."""
    make = _make_encoder
    if make is None:
        from json import JSONEncoder

        return JSONEncoder(
            ensure_ascii=is_ascii,
            sort_keys=is_sorted,
            allow_nan=allows_nan,
            separators=(",", ":"),
            default=default,
        ).encode
    spell = encode_basestring_ascii if is_ascii else encode_basestring
    convert = default or _refuse

    def encode(value: Any) -> str:
        # The dictionary is where it notes what it is within, to find circles.
        parts = make({}, convert, spell, None, ":", ",", is_sorted, False, allows_nan)
        return "".join(parts(value, 0))

    return encode


def _refuse(value: Any) -> Any:
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")
