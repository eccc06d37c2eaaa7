# SPDX-License-Identifier: Apache-2.0
"""A NUT server that says what it is told to, once per connection."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@contextlib.contextmanager
def nut_server(pieces: Sequence[bytes], pause_s: float = 0.0, hold_s: float = 0.0) -> Iterator[tuple[int, list[bytes]]]:
    """Its port, and what it was asked. `pause_s` lies between the pieces, `hold_s` before it hangs up."""
    asked: list[bytes] = []
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)

        def serve() -> None:
            with contextlib.suppress(OSError):
                connection, _ = listener.accept()
                with connection:
                    connection.settimeout(10)
                    asked.append(connection.recv(1000))
                    for piece in pieces:
                        connection.sendall(piece)
                        time.sleep(pause_s)
                    over.wait(hold_s)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1], asked
        finally:
            over.set()
            thread.join(10)
