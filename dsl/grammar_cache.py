"""A private place for the grammar's tables, so that they are not made anew at every start.

The folder is `orch-VERSION-UID` under XDG_CACHE_HOME or ~/.cache, made with mode 0700. As what is
in it decides how sources are read, it is used only if it is a real folder, ours, and closed to
others. A file names what it was made from and carries a checksum, and is replaced as a whole, so
that torn files, other versions and concurrent writers do no harm. Whatever fails here fails
silently: there is no cache.
"""

import os
import stat
import zlib
from contextlib import suppress

import orch


def read_cached(name: str, key: str) -> bytes | None:
    """What `write_cached` saved under this name and key, if it is there and whole."""
    folder = _private_folder()
    if folder is None:
        return None
    try:
        with open(f"{folder}/{name}", "rb") as stream:
            saved = stream.read()
    except OSError:
        return None
    header = _header(key)
    body = saved[len(header) + 4 :]
    checksum = saved[len(header) : len(header) + 4]
    is_whole = saved.startswith(header) and checksum == _checksum(body)
    return body if is_whole else None


def write_cached(name: str, key: str, body: bytes) -> None:
    """Save `body`, atomically; nothing happens where it can't be saved."""
    folder = _private_folder()
    if folder is None:
        return
    draft = f"{folder}/{name}.{os.getpid()}.{os.urandom(4).hex()}"
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(_header(key) + _checksum(body) + body)
        os.replace(draft, f"{folder}/{name}")
    except OSError:
        with suppress(OSError):
            os.unlink(draft)


def _header(key: str) -> bytes:
    return len(key.encode()).to_bytes(4, "big") + key.encode()


def _checksum(body: bytes) -> bytes:
    return zlib.crc32(body).to_bytes(4, "big")


def _private_folder() -> str | None:
    """The folder, made if need be; None where there is none that nobody else can write to."""
    try:
        home = os.environ.get("XDG_CACHE_HOME", "")
        if not home.startswith("/"):
            home = os.path.expanduser("~/.cache")
        if not home.startswith("/"):
            return None  # There is no home at all.
        user = os.getuid() if hasattr(os, "getuid") else 0
        folder = os.path.join(home, f"orch-{orch.__version__}-{user}")
        os.makedirs(home, mode=0o700, exist_ok=True)
        with suppress(FileExistsError):
            os.mkdir(folder, mode=0o700)
        found = os.lstat(folder)
    except OSError:
        return None
    is_private = stat.S_ISDIR(found.st_mode) and found.st_uid == user and not found.st_mode & 0o077
    return folder if is_private else None
