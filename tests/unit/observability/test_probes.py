"""The probe server, asked over raw sockets."""

import socket
from collections.abc import Iterator
from urllib.request import urlopen

import pytest

from service.errors import ConfigurationError
from service.observability import metrics, probes
from service.observability.probes import CONNECTIONS, HEAD, REQUEST_LINE, Check, ProbeServer
from tests.running_weir import wait_until

pytestmark = pytest.mark.enable_socket


@pytest.fixture
def checks() -> list[Check]:
    return [Check("loop", good=True, state="turns"), Check("pool", good=True, state="2 processes")]


@pytest.fixture
def server(checks: list[Check]) -> Iterator[ProbeServer]:
    server = ProbeServer("127.0.0.1", 0, {"/livez": lambda: checks[:1], "/readyz": lambda: checks})
    server.start()
    yield server
    server.stop()


def connect(server: ProbeServer) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=30)


def answer_of(client: socket.socket) -> tuple[bytes, dict[bytes, bytes], bytes]:
    """Status line, headers and body; the server must close the connection."""
    received = b""
    while chunk := client.recv(65_536):
        received += chunk
    head, _, body = received.partition(b"\r\n\r\n")
    status, *fields = head.split(b"\r\n")
    return status, dict(field.split(b": ", 1) for field in fields), body


def ask(server: ProbeServer, request: bytes) -> tuple[bytes, dict[bytes, bytes], bytes]:
    with connect(server) as client:
        client.sendall(request)
        return answer_of(client)


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: weir\r\n\r\n".encode()


def test_each_check_is_a_line(server: ProbeServer, checks: list[Check]) -> None:
    status, headers, body = ask(server, get("/readyz"))
    assert status == b"HTTP/1.1 200 OK"
    assert body == b"ok  loop: turns\nok  pool: 2 processes\n"
    assert headers[b"Content-Length"] == str(len(body)).encode()
    assert not {name.lower() for name in headers} & {b"server", b"x-powered-by"}
    checks[1] = Check("pool", good=False, state="1 of 2 processes")
    status, _, body = ask(server, get("/readyz?verbose"))
    assert status == b"HTTP/1.1 503 Service Unavailable"
    assert b"BAD pool: 1 of 2 processes\n" in body
    assert ask(server, get("/livez"))[0] == b"HTTP/1.1 200 OK"


def test_metrics_for_an_ordinary_client(server: ProbeServer) -> None:
    metrics.LANES.set(7)
    with urlopen(f"http://127.0.0.1:{server.port}/metrics", timeout=30) as answer:
        assert answer.headers["Content-Type"].startswith("text/plain; version=")
        assert b"\nweir_lanes 7.0\n" in answer.read()


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        *(
            (f"{method} /livez HTTP/1.1\r\nHost: weir\r\n\r\n".encode(), b"405 Method Not Allowed")
            for method in ("HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "get", "X")
        ),
        (get("/"), b"404 Not Found"),
        (get("/metrics/../livez"), b"404 Not Found"),
        (get("/\xe9"), b"404 Not Found"),
        (b"GET /livez\r\n\r\n", b"400 Bad Request"),
        (b"GET  /livez HTTP/1.1\r\n\r\n", b"400 Bad Request"),
        (b"GET /livez HTTP/2\r\n\r\n", b"400 Bad Request"),
        (b"\x16\x03\x01\x02\x00\x01\r\n\r\n", b"400 Bad Request"),
        (b"\r\n\r\n", b"400 Bad Request"),
        (b"GET /livez HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", b"413 Request Entity Too Large"),
        (b"GET /livez HTTP/1.1\r\ntransfer-ENCODING:chunked\r\n\r\n", b"413 Request Entity Too Large"),
        (get("/" + "a" * REQUEST_LINE), b"414 Request-URI Too Long"),
        (get("/" + "a" * 10 * HEAD), b"414 Request-URI Too Long"),
        (
            get("/livez")[:-2] + b"X-Filler: " + b"a" * HEAD + b"\r\n\r\n",
            b"431 Request Header Fields Too Large",
        ),
        (
            get("/livez")[:-2] + b"X: y\r\n" * 200_000 + b"\r\n",
            b"431 Request Header Fields Too Large",
        ),
    ],
    ids=lambda each: each[:20].decode("latin-1").strip() if isinstance(each, bytes) else None,
)
def test_refusals(server: ProbeServer, request_: bytes, status: bytes) -> None:
    found, headers, body = ask(server, request_)
    assert found == b"HTTP/1.1 " + status
    assert headers.get(b"Allow") == (b"GET" if status.startswith(b"405") else None)
    assert body


def test_slow_clients_are_hung_up_on(server: ProbeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes, "CONNECTION_SECONDS", 0.5)
    with connect(server) as slow, connect(server) as silent, connect(server) as lingering:
        slow.sendall(b"GET /li")
        lingering.sendall(get("/livez"))
        assert answer_of(lingering)[0] == b"HTTP/1.1 200 OK"
        assert silent.recv(1) == b""
        for client in (slow, lingering):
            wait_until(lambda client=client: refuses(client), "the connection is closed", 30)  # type: ignore[misc]
    assert ask(server, get("/livez"))[0] == b"HTTP/1.1 200 OK"


def refuses(client: socket.socket) -> bool:
    """Only a later write learns that the other side is gone."""
    try:
        client.sendall(b"v")
    except OSError:
        return True
    return False


def test_idle_connections_keep_no_probe_out(server: ProbeServer) -> None:
    idle = [connect(server) for _ in range(3 * CONNECTIONS)]
    try:
        for _ in range(3):
            assert ask(server, get("/livez"))[0] == b"HTTP/1.1 200 OK"
        assert idle[0].recv(1) == b""
        assert len(server._connections) <= CONNECTIONS
        idle[-1].sendall(get("/livez"))
        assert answer_of(idle[-1])[0] == b"HTTP/1.1 200 OK"
    finally:
        for client in idle:
            client.close()


def test_stopping_frees_the_port(checks: list[Check]) -> None:
    server = ProbeServer("127.0.0.1", 0, {"/livez": lambda: checks})
    server.start()
    with connect(server):
        with pytest.raises(ConfigurationError, match="set WEIR_PROBE_PORT"):
            ProbeServer("127.0.0.1", server.port, {})
        server.stop()
    again = ProbeServer("127.0.0.1", server.port, {})
    again.start()
    again.stop()


def test_ipv6(checks: list[Check]) -> None:
    server = ProbeServer("::1", 0, {"/livez": lambda: checks})
    server.start()
    with urlopen(f"http://[::1]:{server.port}/livez", timeout=30) as answer:
        assert answer.status == 200
    server.stop()
