# SPDX-License-Identifier: Apache-2.0
"""`python -m agent.demo_broker.amqtt_server PORT`: a broker in Python (MQTT 3.1.1 only) until standard input ends."""

from __future__ import annotations

import asyncio
import logging
import sys
from typing import Any

from amqtt.broker import Broker
from amqtt.mqtt.connect import ConnectPayload

HOST = "127.0.0.1"
LEVEL_5 = 5
CONNECT_HEADER_BYTES = 10
"""Protocol name, level, flags, keep-alive."""


def refuse_5_at_once() -> None:
    """Make amqtt refuse a CONNECT of MQTT 5.0 that carries properties or a will.

    It reads them as fields of 3.1.1, finds wrong lengths and waits for bytes that never come; once the packet is
    read to its end, its own check of the version gives the answer that tells clients to fall back.
    """
    as_311 = ConnectPayload.from_stream

    async def from_stream(reader: Any, fixed_header: Any, variable_header: Any) -> Any:
        if variable_header is None or variable_header.proto_level != LEVEL_5:
            return await as_311(reader, fixed_header, variable_header)
        await reader.read(max(0, fixed_header.remaining_length - CONNECT_HEADER_BYTES))
        variable_header.flags = 0
        return ConnectPayload(client_id="refused")

    ConnectPayload.from_stream = from_stream


async def serve(port: int) -> None:
    broker = Broker(
        {
            "listeners": {"default": {"type": "tcp", "bind": f"{HOST}:{port}"}},
            "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
        }
    )
    await broker.start()
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin.buffer)
    while await reader.read(4096):
        pass
    await broker.shutdown()


if __name__ == "__main__":
    logging.basicConfig(level=logging.CRITICAL)
    refuse_5_at_once()
    asyncio.run(serve(int(sys.argv[1])))
