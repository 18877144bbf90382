"""Forms of a secret: whatever common encoders make of it, among whatever bytes, is masked."""

import base64
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch.runtime.mask import Mask
from orch.runtime.secret_forms import forms_of

SECRETS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0\n\r"), min_size=4, max_size=90
).map(str.encode)


def decodings(text: bytes) -> list[bytes]:
    """What a base64 text reveals, whichever of its characters one begins to decode at."""
    alphabet = bytes.maketrans(b"-_", b"+/")
    runs = [run for run in text.translate(alphabet).replace(b"=", b"").split(b"***") if run]
    return [
        base64.b64decode(run[at : len(run) - (len(run) - at) % 4])
        for run in runs
        for at in range(min(4, len(run)))
    ]


@given(SECRETS, st.binary(max_size=7), st.binary(max_size=7))
def test_base64_is_masked_wherever_the_secret_stands(
    secret: bytes, before: bytes, after: bytes
) -> None:
    """At each of the three places, in both alphabets; what is left does not decode to it."""
    mask = Mask(forms_of(secret))
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        masked = mask.masked(encode(before + secret + after))
        assert b"***" in masked
        assert not any(secret[1:-1] in text for text in decodings(masked) if len(secret) > 6)
    assert mask.masked(base64.b64encode(secret)) == b"***"


@given(SECRETS)
def test_percent_encoded_forms_are_masked(secret: bytes) -> None:
    """As Python, JavaScript and HTML forms write it, with large digits or small ones."""
    mask = Mask(forms_of(secret))
    for text in (quote(secret, safe=""), quote(secret), quote_plus(secret)):
        small = "".join(
            part if not at else part[:2].lower() + part[2:]
            for at, part in enumerate(text.replace("%", "\0%").split("%"))
        )
        assert mask.masked(text.encode()) == b"***"
        assert mask.masked(small.replace("\0", "%").encode()) == b"***"
    assert mask.masked(quote(secret, safe="!*'()~").encode()) == b"***"


@given(SECRETS)
def test_json_is_masked(secret: bytes) -> None:
    """With escapes for what is not ASCII, and without."""
    for is_ascii in (True, False):
        text = json.dumps(secret.decode(), ensure_ascii=is_ascii).encode()
        assert Mask(forms_of(secret)).masked(text) == b'"***"'


@pytest.mark.parametrize("columns", [64, 76])
def test_wrapped_base64_is_masked(columns: int) -> None:
    """As `base64` and `openssl base64` print what is long."""
    secret = bytes(range(33, 120)) * 3
    text = base64.b64encode(secret)
    lines = b"\n".join(text[at : at + columns] for at in range(0, len(text), columns))
    assert Mask(forms_of(secret)).masked(lines + b"\n") == b"***\n"


@pytest.mark.parametrize("columns", [64, 76])
@pytest.mark.parametrize("size", [100, 101, 102])
def test_wrapped_base64_is_masked_whatever_stands_behind_it(columns: int, size: int) -> None:
    """`echo "$TOKEN" | base64` encodes a line end too, and that changes the last characters."""
    secret = (bytes(range(33, 120)) * 2)[:size]
    text = base64.b64encode(secret + b"\n")
    lines = b"\n".join(text[at : at + columns] for at in range(0, len(text), columns))
    masked = Mask(forms_of(secret)).masked(lines + b"\n")
    assert masked.startswith(b"***")
    assert len(masked) < len(b"***") + len(b"abc=\n") + 1


def test_each_long_line_of_a_secret_is_masked_too() -> None:
    """A key is often printed line by line, or indented; short lines are no secret."""
    secret = b"-----BEGIN KEY-----\nMIIEpAIBAAKCAQEA\nab\n\n  indented line\n"
    mask = Mask(forms_of(secret))
    assert (
        mask.masked(b"| MIIEpAIBAAKCAQEA\r\n| indented line\n| ab\n") == b"| ***\r\n| ***\n| ab\n"
    )


def test_no_form_is_shorter_than_its_mask() -> None:
    """Masking never makes a stream longer, also for the shortest secrets."""
    for secret in (b"abcd", b"a b+", "äöüß".encode(), b"\xff\xfe\xfd\xfc", b"a\nb\nc"):
        assert secret in forms_of(secret)
        assert min(map(len, forms_of(secret))) >= 4
