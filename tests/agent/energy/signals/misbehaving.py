# SPDX-License-Identifier: Apache-2.0
"""A server on this computer that answers as it is told to, by bytes: slowly, cut short, huge, packed, without TLS."""

from __future__ import annotations

import contextlib
import datetime
import gzip
import ipaddress
import socket
import ssl
import threading
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Answer = Callable[[socket.socket, bytes], None]

DRIP_S = 0.03


def say(status: str, body: bytes = b"", *headers: str) -> bytes:
    """A whole answer."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


class Server:
    """`answers[path]` is bytes, or a function of the connection and the request; `requests` is what came."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.answers: dict[str, bytes | Answer] = {}
        self.requests: list[bytes] = []
        self.closing = threading.Event()
        self._context = context
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self.url = f"{'https' if context else 'http'}://127.0.0.1:{self.port}"
        self._threads: list[threading.Thread] = []

    def serve(self) -> None:
        while not self.closing.is_set():
            with contextlib.suppress(OSError):
                connection, _ = self._socket.accept()
                thread = threading.Thread(target=self._one, args=(connection,), daemon=True)
                thread.start()
                self._threads.append(thread)

    def close(self) -> None:
        self.closing.set()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for thread in self._threads:
            thread.join(5)

    def drip(self, text: bytes) -> Answer:
        """A byte now and then, and never the whole."""

        def answer(connection: socket.socket, _: bytes) -> None:
            for one in text:
                if self.closing.wait(DRIP_S):
                    return
                connection.sendall(bytes([one]))
            while not self.closing.wait(DRIP_S):
                connection.sendall(text[-1:])

        return answer

    def silent(self, connection: socket.socket, _: bytes) -> None:
        connection.settimeout(DRIP_S)
        while not self.closing.is_set():
            with contextlib.suppress(TimeoutError):
                if not connection.recv(1):
                    return

    def _one(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            if self._context is not None:
                connection = self._context.wrap_socket(connection, server_side=True)
            connection.settimeout(5)
            request = b""
            while b"\r\n\r\n" not in request:
                part = connection.recv(4096)
                if not part:
                    return
                request += part
            self.requests.append(request)
            path = request.split(b" ")[1].decode().partition("?")[0]
            answer = self.answers.get(path) or self.answers.get("*") or say("404 Not Found")
            if isinstance(answer, bytes):
                connection.sendall(answer)
            else:
                answer(connection, request)


@contextlib.contextmanager
def serving(context: ssl.SSLContext | None = None) -> Iterator[Server]:
    server = Server(context)
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.close()
        thread.join(5)


def self_signed(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """A server's side for 127.0.0.1, and the certificate that a client would have to trust."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    encoding, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    own, trusted = folder / "server.pem", folder / "trusted.pem"
    trusted.write_bytes(certificate.public_bytes(encoding))
    own.write_bytes(key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, plain) + trusted.read_bytes())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own)
    return context, trusted


def bomb(megabytes: int) -> bytes:
    """Zeros, packed a thousandfold."""
    return gzip.compress(bytes(megabytes * 1_000_000), 9)
