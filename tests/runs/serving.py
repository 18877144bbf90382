"""A project whose stages need a server: a small one that it brings, a free port for it, and a mark
by which everything that a service starts is found."""

import socket
from pathlib import Path
from typing import Any

from tests.runs.project import Project
from tests.runtime.pool import new_token

SERVER = """
import http.server, sys, time
time.sleep(float(sys.argv[2]))
http.server.HTTPServer.allow_reuse_address = True
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path.startswith("/good") else 503)
        self.end_headers()
    def log_message(self, *_):
        pass
server = http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
if len(sys.argv) > 3:
    import ssl
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[3])
    server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
"""


class Serving(Project):
    """A project with a small server, a port that is free, and a mark that all that its services
    start has in its command line."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        (root / "server.py").write_text(SERVER)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self.token = new_token()

    def write(self, text: str, name: str = "demo.pipeline") -> None:
        super().write(text.replace("PORT", str(self.port)).replace("TOKEN", self.token), name)

    def kinds(self) -> list[str]:
        """What was told of services and stages: `started db`, `completed test`."""
        told = [event for event in self.events() if "stage" in event]
        return [f"{event['type'].partition(':')[2]} {event['stage']}" for event in told]

    def entry(self, stage: str) -> dict[str, Any]:
        entries: list[dict[str, Any]] = self.manifest()["stages"]
        (entry,) = [entry for entry in entries if entry["id"] == stage]
        return entry
