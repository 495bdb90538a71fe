"""Events as the senders' own SDKs write them: each call type, caught by a server on this machine, decodes."""

import gzip
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from rudderstack.analytics.client import Client as RudderClient
from segment.analytics.client import Client as SegmentClient

from service.events.decode import decode
from service.events.event import CallType, Event
from service.events.json_value import JsonObject

pytestmark = pytest.mark.enable_socket

WHEN = datetime(2026, 10, 3, 12, 34, 56, 789000, tzinfo=UTC)
CLIENTS = pytest.mark.parametrize("client_type", [SegmentClient, RudderClient])


@contextmanager
def collector() -> Iterator[tuple[str, list[JsonObject]]]:
    """A server that keeps the events of each batch POSTed to it."""
    caught: list[JsonObject] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            caught.extend(json.loads(body)["batch"])
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the base class's name)
            """Stay silent."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", caught
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def captured(client_type: Any, send: Callable[[Any], object], **options: object) -> Event:
    """What decode makes of the one event that was sent."""
    with collector() as (url, caught):
        client = client_type("write-key", host=url, sync_mode=True, **options)
        send(client)
    (event,) = caught
    decoded = decode(json.dumps(event).encode())
    assert isinstance(decoded, Event), decoded
    return decoded


CALLS: dict[CallType, Callable[[Any], object]] = {
    CallType.TRACK: lambda client: client.track(
        "usr_1", "Plan Changed", {"seats": 5, "amount": 49.5, "coupon": None}, timestamp=WHEN
    ),
    CallType.IDENTIFY: lambda client: client.identify("usr_1", {"plan": "team"}, timestamp=WHEN),
    CallType.PAGE: lambda client: client.page(
        "usr_1", "Docs", "Guides", {"url": "https://example.org/docs"}, timestamp=WHEN
    ),
    CallType.SCREEN: lambda client: client.screen("usr_1", None, "Home", {"width": 390.5}, timestamp=WHEN),
    CallType.GROUP: lambda client: client.group("usr_1", "org_7", {"employees": 12}, timestamp=WHEN),
    CallType.ALIAS: lambda client: client.alias("anon-1", "usr_1", timestamp=WHEN),
}


@CLIENTS
@pytest.mark.parametrize("call", list(CallType))
def test_every_call(client_type: Any, call: CallType) -> None:
    event = captured(client_type, CALLS[call])
    assert event.call is call
    assert event.name == ("Plan Changed" if call is CallType.TRACK else None)
    assert event.timestamp == int(WHEN.timestamp())
    assert event.body["userId"] == "usr_1"


@CLIENTS
def test_gzip(client_type: Any) -> None:
    assert captured(client_type, CALLS[CallType.TRACK], gzip=True).name == "Plan Changed"


@CLIENTS
def test_somebody_not_signed_in(client_type: Any) -> None:
    event = captured(client_type, lambda client: client.track(event="Logged In", anonymous_id="anon-1"))
    assert event.body["userId"] is None
    assert event.body["anonymousId"] == "anon-1"


@CLIENTS
def test_numbers_as_ids(client_type: Any) -> None:
    event = captured(client_type, lambda client: client.group(42, 7))
    assert event.body["userId"] == "42"
    assert event.body["groupId"] == 7


@CLIENTS
def test_a_time_without_a_zone_is_given_the_senders(client_type: Any) -> None:
    naive = WHEN.replace(tzinfo=None)
    event = captured(client_type, lambda client: client.track("usr_1", "Logged In", timestamp=naive))
    assert event.timestamp == int(naive.timestamp())


@CLIENTS
def test_the_defaults(client_type: Any) -> None:
    event = captured(client_type, lambda client: client.track("usr_1", "Logged In"))
    assert event.body["messageId"]
    assert event.body["properties"] == {}
    assert isinstance(event.body["integrations"], dict)
