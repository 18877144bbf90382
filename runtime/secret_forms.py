"""The forms in which a secret may show itself: as it is, line by line, and encoded."""

import base64
from itertools import product
from urllib.parse import quote

from orch.dsl.json_codec import encode_basestring, encode_basestring_ascii
from orch.dsl.type_names import Iterator

SHORTEST = 4
"""Characters of the shortest secret, and bytes of the shortest form."""

_WRAP_COLUMNS = (64, 76)
"""Where `openssl base64` and `base64` break their lines."""

# What encoders leave as it is, beside letters, digits and `_`: Python and curl, JavaScript's two,
# and HTML forms as Java writes them.
_UNQUOTED = ("-.~", "-.~/", "-.~!*'()", "-.~!*'();,/?:@&=+$#", "-.*")


def forms_of(secret: bytes) -> frozenset[bytes]:
    """What is to be masked for a secret; none of it is shorter than `SHORTEST`.

    Base64 at all three places that a secret can have among other bytes, in both alphabets: only
    the characters that nothing but the secret decides. Percent-encoded as common encoders do it.
    """
    found = {secret, *_lines(secret), *_in_base64(secret), *_in_urls(secret), *_in_json(secret)}
    return frozenset(form for form in found if len(form) >= SHORTEST)


def _lines(secret: bytes) -> Iterator[bytes]:
    lines = secret.splitlines()
    if len(lines) > 1:
        yield from filter(_is_long, (line.strip() for line in lines))


def _is_long(line: bytes) -> bool:
    return len(line.decode(errors="surrogateescape")) >= SHORTEST


def _in_base64(secret: bytes) -> Iterator[bytes]:
    whole = base64.b64encode(secret)
    texts = [whole, whole.rstrip(b"=")]
    for before in range(3):
        # Characters that bits of the bytes before or behind decide too are left out.
        first = (before * 8 + 5) // 6
        end = (before + len(secret)) * 8 // 6
        texts.append(base64.b64encode(bytes(before) + secret)[first:end])
    # What `echo` or a file puts behind a secret decides its last character of these.
    for columns, text in product(_WRAP_COLUMNS, (whole, whole[: len(secret) * 8 // 6])):
        rows = [text[at : at + columns] for at in range(0, len(text), columns)]
        texts += [b"\n".join(rows), b"\r\n".join(rows)]
    for text in texts:
        yield text
        yield text.replace(b"+", b"-").replace(b"/", b"_")


def _in_urls(secret: bytes) -> Iterator[bytes]:
    for unquoted in _UNQUOTED:
        text = quote(secret, safe=unquoted)
        if "~" not in unquoted:
            text = text.replace("~", "%7E")
        for shown in (text, _with_small_digits(text)):
            yield shown.encode()
            yield shown.replace("%20", "+").encode()


def _with_small_digits(text: str) -> str:
    head, *parts = text.split("%")
    return "%".join([head, *(part[:2].lower() + part[2:] for part in parts)])


def _in_json(secret: bytes) -> Iterator[bytes]:
    try:
        text = secret.decode()
    except UnicodeDecodeError:
        return
    for spell in (encode_basestring_ascii, encode_basestring):
        yield spell(text)[1:-1].encode()
