"""`/livez`, `/readyz`, `/startupz` and `/metrics` over HTTP, on a thread of their own.

The thread is there for a busy worker to answer. The server does as little as a probe needs: each connection
gets one answer and is closed. What a client may make it hold is bounded: bytes, seconds and connections. It
takes no request bodies and names no version.
"""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Final, NamedTuple

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from service.errors import ConfigurationError

#: Bytes of the longest request line, and of the whole head.
REQUEST_LINE: Final = 2048
HEAD: Final = 8192
#: Seconds that a connection may last, from its first byte to its last.
CONNECTION_SECONDS: Final = 5.0
#: Connections at a time; the oldest gives way to one more, so that idle ones keep no probe out.
CONNECTIONS: Final = 32

TEXT: Final = "text/plain; charset=utf-8"


class Check(NamedTuple):
    """One thing looked at, as a line of a probe's answer."""

    name: str
    good: bool
    state: str

    def __str__(self) -> str:
        return f"{'ok ' if self.good else 'BAD'} {self.name}: {self.state}"


Probe = Callable[[], Iterable[Check]]


class _Answer(NamedTuple):
    status: HTTPStatus
    body: bytes
    content_type: str = TEXT
    headers: tuple[tuple[str, str], ...] = ()

    def encode(self) -> bytes:
        head = [
            f"HTTP/1.1 {self.status.value} {self.status.phrase}",
            f"Content-Type: {self.content_type}",
            f"Content-Length: {len(self.body)}",
            "Cache-Control: no-store",
            "Connection: close",
            *(f"{name}: {value}" for name, value in self.headers),
        ]
        return "\r\n".join((*head, "", "")).encode() + self.body


def _refusal(status: HTTPStatus, *headers: tuple[str, str]) -> _Answer:
    return _Answer(status, f"{status.phrase}\n".encode(), headers=headers)


class ProbeServer:
    """The probes' server.

    Attributes:
        port: The port it listens on, also where a free one was asked for.
    """

    def __init__(self, host: str, port: int, probes: Mapping[str, Probe]) -> None:
        """Listen, without answering yet. `probes` are by path; one with a check that is not good answers 503.

        Raises:
            ConfigurationError: the address can't be bound.
        """
        self._probes = probes
        try:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            self._socket = socket.create_server((host, port), family=family)
        except OSError as error:
            raise ConfigurationError(
                f"can't listen for probes on {host}:{port} ({error.strerror}); "
                "set WEIR_PROBE_PORT, 0 takes a free one"
            ) from None
        self.port: int = self._socket.getsockname()[1]
        self._connections: dict[asyncio.StreamWriter, asyncio.Task[None]] = {}  # the oldest first
        self._loop = asyncio.new_event_loop()
        self._stopping = self._loop.create_future()
        self._thread = threading.Thread(target=self._run, name="probes", daemon=True)

    def start(self) -> None:
        """Answer from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Stop answering and free the port."""
        self._loop.call_soon_threadsafe(self._stopping.set_result, None)
        self._thread.join()

    def _run(self) -> None:
        with contextlib.closing(self._loop):
            self._loop.run_until_complete(self._listen())

    async def _listen(self) -> None:
        async with await asyncio.start_server(self._connected, sock=self._socket, limit=HEAD):
            await self._stopping
        # Also those that are only being made, or have just given way: each closes its connection.
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await asyncio.sleep(0)  # a connection closes in the loop's next turn

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._connections) >= CONNECTIONS:
            oldest = next(iter(self._connections))
            del self._connections[oldest]
            oldest.transport.abort()
        self._connections[writer] = self._loop.create_task(self._serve(reader, writer))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with contextlib.suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
                async with asyncio.timeout(CONNECTION_SECONDS):
                    answer = await self._answer(reader)
                    writer.write(answer.encode())
                    writer.write_eof()
                    while await reader.read(HEAD):  # closing on unread bytes would take the answer back
                        pass
        finally:
            writer.transport.abort()
            with contextlib.suppress(OSError):
                await writer.wait_closed()  # else the last one would outlive the loop
            self._connections.pop(writer, None)

    async def _answer(self, reader: asyncio.StreamReader) -> _Answer:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.LimitOverrunError as error:
            start = await reader.readexactly(min(error.consumed, REQUEST_LINE))
            long_line = b"\r\n" not in start
            return _refusal(
                HTTPStatus.REQUEST_URI_TOO_LONG if long_line else HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
            )
        line, *fields = head[:-4].split(b"\r\n")
        if len(line) > REQUEST_LINE:
            return _refusal(HTTPStatus.REQUEST_URI_TOO_LONG)
        match line.split(b" "):
            case [method, target, b"HTTP/1.1" | b"HTTP/1.0"]:
                return self._answer_to(method, target, {each.partition(b":")[0].lower() for each in fields})
        return _refusal(HTTPStatus.BAD_REQUEST)

    def _answer_to(self, method: bytes, target: bytes, fields: set[bytes]) -> _Answer:
        if method != b"GET":
            return _refusal(HTTPStatus.METHOD_NOT_ALLOWED, ("Allow", "GET"))
        if fields & {b"content-length", b"transfer-encoding"}:
            return _refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        path = target.partition(b"?")[0].decode("latin-1")
        if path == "/metrics":
            return _Answer(HTTPStatus.OK, generate_latest(), CONTENT_TYPE_LATEST)
        if path in self._probes:
            checks = list(self._probes[path]())
            good = all(check.good for check in checks)
            body = "".join(f"{check}\n" for check in checks)
            return _Answer(HTTPStatus.OK if good else HTTPStatus.SERVICE_UNAVAILABLE, body.encode())
        return _Answer(HTTPStatus.NOT_FOUND, f"{', '.join((*self._probes, '/metrics'))}\n".encode())
