"""Kafka's nodes in tests of faults: who leads what, and getting well again."""

from collections.abc import Sequence
from contextlib import closing
from typing import Final

from kafka import KafkaAdminClient
from kafka.protocol.metadata import CoordinatorType

from service.broker.local import LocalCluster, Node

#: Kafka takes a restarted node back only when the session of its former life is over.
FAST_SESSION: Final = {"broker.session.timeout.ms": "3000", "broker.heartbeat.interval.ms": "500"}


def coordinator(cluster: LocalCluster, kind: CoordinatorType, key: str) -> Node:
    """The node that coordinates a group, or a transactional id."""
    with closing(KafkaAdminClient(bootstrap_servers=cluster.bootstrap)) as admin:
        number: int = admin._manager.run(admin._find_coordinator_id, key, kind)
    return cluster.nodes[number - 1]


def heal(nodes: Sequence[Node]) -> None:
    """Let every node run again, and wait until it does."""
    for node in nodes:
        if node.alive:
            node.thaw()
        else:
            node.restart()
    for node in nodes:
        node.wait_until_ready()
