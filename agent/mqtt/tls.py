# SPDX-License-Identifier: Apache-2.0
"""The TLS settings of a connection: whom to trust, who we are, which name the broker must prove."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket

    from agent.mqtt.config import MqttConfig


class _Context(ssl.SSLContext):
    """Asks for the pinned name, whatever host was dialled: the client library knows the host only."""

    pinned_name: str = ""

    def wrap_socket(
        self,
        sock: socket.socket,
        server_side: bool = False,
        do_handshake_on_connect: bool = True,
        suppress_ragged_eofs: bool = True,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLSocket:
        name = self.pinned_name or server_hostname
        return super().wrap_socket(sock, server_side, do_handshake_on_connect, suppress_ragged_eofs, name, session)


def tls_context(config: MqttConfig) -> ssl.SSLContext:
    """Reads the certificate files. Raises OSError (ssl.SSLError among them)."""
    context = _Context(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.pinned_name = config.server_name
    if config.ca_file:
        context.load_verify_locations(config.ca_file)
    else:
        context.load_default_certs()
    if config.cert_file:
        # An empty password: OpenSSL must not ask for one on the terminal.
        context.load_cert_chain(config.cert_file, config.key_file or None, password="")
    if config.alpn:
        context.set_alpn_protocols(list(config.alpn))
    return context
