# SPDX-License-Identifier: Apache-2.0
"""A UDP relay between clients and a server that loses datagrams on purpose, in the way that a test chooses."""

from __future__ import annotations

import selectors
import socket
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class LossyRelay:
    """Listens on 127.0.0.1:`port`. `loses(datagram)` decides about each answer of the server, in their order.

    One relay socket per client keeps the sessions of several clients apart.
    """

    def __init__(self, server_port: int, loses: Callable[[bytes], bool]) -> None:
        self._server = ("127.0.0.1", server_port)
        self._loses = loses
        self._front = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._front.bind(("127.0.0.1", 0))
        self.port: int = self._front.getsockname()[1]
        self.lost = 0
        self._backs: dict[tuple[str, int], socket.socket] = {}
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._front, selectors.EVENT_READ)
        self._stop_reader, self._stop_writer = socket.socketpair()
        self._selector.register(self._stop_reader, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._run, name="relay")

    def __enter__(self) -> LossyRelay:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop_writer.send(b"x")
        self._thread.join()
        for each in (self._front, self._stop_reader, self._stop_writer, *self._backs.values()):
            each.close()
        self._selector.close()

    def _run(self) -> None:
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is self._stop_reader:
                    return
                if key.fileobj is self._front:
                    datagram, client = self._front.recvfrom(2048)
                    self._back(client).sendto(datagram, self._server)
                else:
                    assert isinstance(key.fileobj, socket.socket)
                    answer = key.fileobj.recv(2048)
                    if self._loses(answer):
                        self.lost += 1
                    else:
                        self._front.sendto(answer, key.data)

    def _back(self, client: tuple[str, int]) -> socket.socket:
        back = self._backs.get(client)
        if back is None:
            back = self._backs[client] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            back.bind(("127.0.0.1", 0))
            self._selector.register(back, selectors.EVENT_READ, client)
        return back
