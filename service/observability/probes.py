"""`/livez`, `/readyz` and `/metrics` over HTTP, on a thread of its own: a busy worker still answers."""

import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from service.errors import ConfigurationError

Probe = Callable[[], bool]


class ProbeServer:
    """The probes' server.

    Attributes:
        port: The port it listens on, also where a free one was asked for.
    """

    def __init__(self, host: str, port: int, *, alive: Probe, ready: Probe) -> None:
        """Listen, without answering yet.

        Raises:
            ConfigurationError: the address can't be bound.
        """
        probes = {"/livez": alive, "/readyz": ready}

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path = self.path.partition("?")[0]
                if path == "/metrics":
                    self._answer(HTTPStatus.OK, generate_latest(), CONTENT_TYPE_LATEST)
                elif path in probes:
                    good = probes[path]()
                    status = HTTPStatus.OK if good else HTTPStatus.SERVICE_UNAVAILABLE
                    self._answer(status, b"ok\n" if good else b"not yet\n", "text/plain")
                else:
                    self._answer(HTTPStatus.NOT_FOUND, b"/livez, /readyz, /metrics\n", "text/plain")

            def _answer(self, status: HTTPStatus, body: bytes, content_type: str) -> None:
                self.send_response(status)
                self.send_header("Content-Type", content_type)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Probes come every few seconds: not worth a line each."""

        try:
            self._server = ThreadingHTTPServer((host, port), Handler)
        except OSError as error:
            raise ConfigurationError(
                f"can't listen for probes on {host}:{port} ({error.strerror}); "
                "set WEIR_PROBE_PORT, 0 takes a free one"
            ) from None
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, name="probes", daemon=True)

    def start(self) -> None:
        """Answer from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Stop answering and free the port."""
        self._server.shutdown()
        self._server.server_close()
