# SPDX-License-Identifier: Apache-2.0
"""`python -m tests.agent.mqtt.serve_face URL`: a face in a process of its own, to be killed."""

from __future__ import annotations

import asyncio
import sys

from tests.agent.mqtt.faces import running


async def serve(url: str) -> None:
    async with running(url):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
