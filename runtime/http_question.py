"""Asking an address once over HTTP, in a process of its own that may block and soon ends.

It wants to know whether a service answers, so a certificate is not verified, nothing secret is
sent, and no more is read than the first line.
"""

import os
import socket

from orch.dsl.type_names import Any, Mapping, NoReturn
from orch.runtime import system_signals as signal

_FIRST_BAD_STATUS = 400
_MOST_LINE_BYTES = 1024
_LOWEST_FREE_FD = 3


def ask_and_exit(place: Mapping[str, Any], tell: int, limit_s: float) -> NoReturn:
    """In a freshly forked process: ask, write a sentence to `tell`, end with 0 for success. `place`
    holds `host`, `port`, `target` and `is_tls`. Never returns, whatever happens."""
    status = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        # Whatever becomes of the warden, this process doesn't outlive its question.
        signal.alarm(int(limit_s) + 2)
        os.setpgid(0, 0)
        os.dup2(tell, _LOWEST_FREE_FD)
        os.closerange(_LOWEST_FREE_FD + 1, os.sysconf("SC_OPEN_MAX"))
        is_good, sentence = _ask(place, limit_s)
        os.write(_LOWEST_FREE_FD, sentence.encode("utf-8", "replace")[:512])
        status = 0 if is_good else 1
    finally:
        os._exit(status)


def _ask(place: Mapping[str, Any], limit_s: float) -> tuple[bool, str]:
    shown = place["url"]
    try:
        line = _first_line(place, limit_s)
    except OSError as error:
        return False, f"{shown}: {error.strerror or error}"
    words = line.split(None, 2)
    if len(words) < 2 or not words[0].startswith(b"HTTP/") or not words[1].isdigit():
        return False, f"{shown} doesn't speak HTTP"
    status = int(words[1])
    return status < _FIRST_BAD_STATUS, f"{shown} answered with status {status}"


def _first_line(place: Mapping[str, Any], limit_s: float) -> bytes:
    """Of the answer. Raises OSError."""
    # As bytes the name of a host needs no codec, which would have to be imported.
    address = (place["host"].encode("ascii"), place["port"])
    with socket.create_connection(address, timeout=limit_s) as plain:
        connection = _wrapped(plain, place["host"]) if place["is_tls"] else plain
        request = (
            f"GET {place['target']} HTTP/1.1\r\nHost: {place['authority']}\r\n"
            "User-Agent: orch\r\nAccept: */*\r\nConnection: close\r\n\r\n"
        )
        connection.sendall(request.encode("ascii"))
        line = b""
        while b"\n" not in line and len(line) < _MOST_LINE_BYTES:
            part = connection.recv(_MOST_LINE_BYTES)
            if not part:
                break
            line += part
        return line.partition(b"\n")[0]


def _wrapped(connection: socket.socket, host: str) -> socket.socket:
    # Whoever runs such a plan has imported this before the warden was forked.
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context.wrap_socket(connection, server_hostname=host)
