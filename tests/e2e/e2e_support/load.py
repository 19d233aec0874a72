"""Traffic beside a test, in a process of its own: none in an ordinary run, some where AIMUX_TEST_LOAD is set."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

LOADED = bool(os.environ.get("AIMUX_TEST_LOAD"))
_CONNECTIONS = 8


@contextmanager
def under_load(port: int, *, route: str | None = None) -> Iterator[None]:
    """Keep asking the gateway on this port while the block runs, over several connections; nothing in an ordinary run.

    `route` is the route that is addressed by name; without it the gateway is asked for its list of models, which
    reaches no upstream. How the requests end is not judged: the test does that with requests of its own.
    """
    if not LOADED:
        yield
        return
    command = [sys.executable, "-P", __file__, str(port), *([] if route is None else [route])]
    with subprocess.Popen(command) as traffic:
        try:
            yield
        finally:
            traffic.kill()


def _request(route: str | None) -> bytes:
    if route is None:
        return b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n"
    return b"GET /load HTTP/1.1\r\nHost: localhost\r\nX-AIMux-Route: " + route.encode("ascii") + b"\r\n\r\n"


async def _keep_asking(port: int, request: bytes) -> None:
    while True:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            while True:
                writer.write(request)
                if not await reader.read(64 * 1024):
                    break
                await asyncio.sleep(0.002)
            writer.close()
        except OSError:
            await asyncio.sleep(0.05)


async def _main(port: int, route: str | None) -> None:
    await asyncio.gather(*(_keep_asking(port, _request(route)) for _ in range(_CONNECTIONS)))


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None))
