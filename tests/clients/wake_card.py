# SPDX-License-Identifier: Apache-2.0
"""A network card that watches for wake packets: tells each datagram on UDP port 9 as `SENDER HEX`, until killed."""

from __future__ import annotations

import socket

WAKE_PORT = 9


def main() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as card:
        card.bind(("", WAKE_PORT))
        print("watching", flush=True)
        while True:
            data, (sender, _) = card.recvfrom(4096)
            print(sender, data.hex(), flush=True)


if __name__ == "__main__":
    main()
