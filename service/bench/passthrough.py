"""Plain Faust as the yardstick: an ordinary stream, one `topic.send` for each event, nothing else done.

Run as a process of its own: `python -m service.bench.passthrough BOOTSTRAP GROUP SOURCE SINK`. As in most
Faust code, nobody waits until what was sent is written: that makes it faster, and lets it lose records.
"""

import sys

import faust

from service.kafka_access import KafkaAccess
from service.settings import load_settings
from service.streaming.credentials import credentials


def application(bootstrap: str, group: str, source: str, sink: str) -> faust.App:
    """The passthrough as a Faust application."""
    app = faust.App(
        group,
        broker=f"kafka://{bootstrap}",
        broker_credentials=credentials(KafkaAccess.of(load_settings())),
        value_serializer="raw",
        consumer_auto_offset_reset="earliest",
        topic_allow_declare=False,
        topic_disable_leader=True,
        table_standby_replicas=0,
    )
    incoming = app.topic(source, value_type=bytes, value_serializer="raw")
    outgoing = app.topic(sink, value_type=bytes, value_serializer="raw")

    @app.agent(incoming)
    async def forward(values: faust.StreamT[bytes]) -> None:
        async for value in values:
            await outgoing.send(value=value)

    return app


if __name__ == "__main__":
    arguments = sys.argv[1:]
    sys.argv[1:] = ["worker", "--without-web", "--loglevel", "error"]
    application(*arguments).main()
