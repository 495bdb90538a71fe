"""A loopback server that the vendors' own clients post to, and what they posted."""

import gzip
import json
import socketserver
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs

import pytest

LOOPBACK = "127.0.0.1"


@dataclass
class Collector:
    """What arrived, in order: the path and the parsed body of each request."""

    url: str
    requests: list[tuple[str, Any]] = field(default_factory=list)

    def only(self) -> tuple[str, Any]:
        """The one request that arrived."""
        assert len(self.requests) == 1
        return self.requests[0]


class _Server(socketserver.ThreadingTCPServer):
    # Not http.server's own class: that one looks its host's name up.
    daemon_threads = True
    collector: Collector


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        if self.headers["Content-Type"].startswith("application/x-www-form-urlencoded"):
            body = parse_qs(body.decode())["data"][0].encode()
        self.server.collector.requests.append((self.path, json.loads(body)))
        answer = b'{"code": 200, "status": 1, "success": true}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the name that http.server uses)
        """Silence."""


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    with _Server((LOOPBACK, 0), _Handler) as server:
        server.collector = Collector(f"http://{LOOPBACK}:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield server.collector
        server.shutdown()
        thread.join()
