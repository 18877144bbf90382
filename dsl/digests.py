"""SHA-256 of what is small, without OpenSSL: to load that takes as long as Python's own code takes
to digest a MiB, and a plain run digests less."""

import sys

from orch.dsl.type_names import Any

_LARGE_BYTES = 1 << 20


def sha256_of(*parts: bytes) -> str:
    """The digest of the parts one after the other, in hexadecimal."""
    is_large = sum(map(len, parts)) >= _LARGE_BYTES
    digest = _by_openssl() if is_large else _by_python()
    for part in parts:
        digest.update(part)
    hexadecimal: str = digest.hexdigest()
    return hexadecimal


def _by_openssl() -> Any:
    from hashlib import sha256

    return sha256()


def _by_python() -> Any:
    """A Python may have been built without its own."""
    try:
        return __import__("_sha2" if sys.version_info >= (3, 12) else "_sha256").sha256()
    except ImportError:
        return _by_openssl()
