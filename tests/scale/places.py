"""Where a lake can be: on the disk, in our own S3 server, in that server some way off, and in moto."""

import asyncio
import contextlib
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "torture"))

from torture import Lake, Loopback, environment_for, judge, start_moto  # noqa: F401 (for those who import this)

BUCKET = "torture"


@contextlib.contextmanager
def moto():
    """Gives the environment in which Albatross finds the server."""
    server, environment = start_moto()
    try:
        yield environment
    finally:
        server.kill()
        server.wait()


@contextlib.contextmanager
def loopback(options, folder, latency=0):
    """`loopback-s3` with `folder` as the bucket; with `latency` milliseconds on the way to it. Gives the environment, and counts requests.

    The fault that never happens puts the server's own proxy in between, which is what counts.
    """
    server = Loopback(options, folder, "--fault", "reset=0")
    with server:
        server.requests = server.writes = None
        if not latency:
            yield server
        else:
            with delay(server.environment["AWS_ENDPOINT_URL"], latency) as endpoint:
                server.environment = environment_for(endpoint)
                yield server
    server.requests, server.writes, _ = map(int, server.last_words.split())


@contextlib.contextmanager
def delay(endpoint, milliseconds):
    """A way to `endpoint` on which what is sent takes so much longer; answers come back at once. Gives its own endpoint."""
    host, port = endpoint.removeprefix("http://").split(":")
    loop = asyncio.new_event_loop()
    started = threading.Event()
    at = []

    async def forward(reader, writer, seconds):
        """What was read leaves `seconds` later, whatever comes behind it."""
        queue = asyncio.Queue()

        async def leave():
            while (item := await queue.get()) is not None:
                due, piece = item
                await asyncio.sleep(max(0, due - loop.time()))
                writer.write(piece)
                await writer.drain()
            writer.close()

        leaving = asyncio.create_task(leave())
        with contextlib.suppress(ConnectionError):
            while piece := await reader.read(1 << 16):
                queue.put_nowait((loop.time() + seconds, piece))
        queue.put_nowait(None)
        with contextlib.suppress(ConnectionError):
            await leaving

    async def connected(reader, writer):
        server_reader, server_writer = await asyncio.open_connection(host, int(port))
        await asyncio.gather(forward(reader, server_writer, milliseconds / 1000), forward(server_reader, writer, 0))

    async def serve():
        server = await asyncio.start_server(connected, "127.0.0.1", 0)
        at.append(server.sockets[0].getsockname()[1])
        started.set()
        with contextlib.suppress(asyncio.CancelledError):
            await server.serve_forever()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serving), daemon=True)
    serving = loop.create_task(serve())
    thread.start()
    started.wait()
    try:
        yield f"http://127.0.0.1:{at[0]}"
    finally:
        loop.call_soon_threadsafe(serving.cancel)
        thread.join(timeout=5)
