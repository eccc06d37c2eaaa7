# SPDX-License-Identifier: Apache-2.0
"""An API server that plays a script: it keeps one node, and answers each request as the next entry says."""

from __future__ import annotations

import json
import socket
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

NODE = "worker-1"


@dataclass(frozen=True)
class Seen:
    method: str
    path: str
    token: str
    content_type: str
    body: Any
    at_s: float = field(default_factory=time.monotonic)


class ScriptedServer(ThreadingHTTPServer):
    """`script` holds statuses, or functions that write anything they like; when it is empty the node is served."""

    daemon_threads = True

    def __init__(self, context: ssl.SSLContext, address: str = "127.0.0.1") -> None:
        self.address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
        super().__init__((address, 0), Handler)
        self._context = context
        self.metadata: dict[str, Any] = {"name": NODE, "annotations": {"other": "kept"}, "labels": None}
        self.script: list[int | tuple[int, dict[str, str]] | Callable[[Handler], None]] = []
        self.seen: list[Seen] = []
        self.good_tokens: set[str] | None = None
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def finish_request(self, request: Any, client_address: Any) -> None:
        """The handshake is made in the connection's own thread: a client that never begins it holds up nobody."""
        request.settimeout(20)
        with self._context.wrap_socket(request, server_side=True) as secured:
            super().finish_request(secured, client_address)

    def handle_error(self, *_: object) -> None:
        """Clients that go away are part of the play."""

    @property
    def url(self) -> str:
        host = str(self.server_address[0])
        return f"https://[{host}]:{self.server_port}" if ":" in host else f"https://{host}:{self.server_port}"

    @property
    def methods(self) -> list[str]:
        return [one.method for one in self.seen]


class Handler(BaseHTTPRequestHandler):
    server: ScriptedServer

    def do_GET(self) -> None:
        self._answer(None)

    def do_PATCH(self) -> None:
        self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def _answer(self, patch: Any) -> None:
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        kind = self.headers.get("Content-Type", "")
        self.server.seen.append(Seen(self.command, self.path, token, kind, patch))
        if self.server.good_tokens is not None and token not in self.server.good_tokens:
            return self.say(401, {"kind": "Status"})
        step = self.server.script.pop(0) if self.server.script else 200
        if callable(step):
            return step(self)
        status, headers = step if isinstance(step, tuple) else (step, {})
        if status != 200:
            return self.say(status, {"kind": "Status", "message": f"token {token}"}, headers)
        for part, values in (patch or {"metadata": {}})["metadata"].items():
            merged = {**(self.server.metadata[part] or {}), **values}
            self.server.metadata[part] = {key: value for key, value in merged.items() if value is not None}
        return self.say(200, {"kind": "Node", "metadata": self.server.metadata}, headers)

    def say(self, status: int, content: Any, headers: dict[str, str] | None = None) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""
