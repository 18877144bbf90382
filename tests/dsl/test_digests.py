"""Digests of what is small are those of OpenSSL."""

import random
from hashlib import sha256

import pytest

from orch.dsl.digests import sha256_of


@pytest.mark.parametrize("size", [0, 1, 63, 64, 65, (1 << 20) - 1, 1 << 20, (1 << 20) + 1])
def test_whoever_digests_it_the_digest_is_the_same(size: int) -> None:
    """Of one part and of several, on both sides of the size from which on OpenSSL is asked."""
    data = random.Random(size).randbytes(size)
    assert sha256_of(data) == sha256(data).hexdigest()
    assert sha256_of(data[: size // 3], b"", data[size // 3 :]) == sha256(data).hexdigest()
