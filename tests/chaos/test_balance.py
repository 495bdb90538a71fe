"""The balance itself: it sees what was lost, repeated, changed and put out of order."""

from collections import defaultdict
from contextlib import closing
from pathlib import Path

import pytest
from kafka import KafkaProducer

from service.sanitize.config import SanitizerConfig
from service.sanitize.outcomes import Sent
from tests.chaos.balance import balance
from tests.chaos.trial import begin
from tests.running_weir import RunningWeir, read_committed

pytestmark = [pytest.mark.enable_socket, pytest.mark.broker]


def sent(weir: RunningWeir, keyring_file: Path) -> dict[tuple[str, bytes], list[Sent]]:
    """What is to be written for the raw topic, by topic and key."""
    sanitizer = SanitizerConfig(weir.folder / "config", keyring_file, "en_core_web_sm").load()
    raw = [record.value for record in read_committed(weir.bootstrap, [weir.raw_topic])]
    found = defaultdict(list)
    for outcomes in sanitizer.sanitize(raw).outcomes:
        for outcome in outcomes:
            if isinstance(outcome, Sent):
                found[outcome.topic, outcome.key].append(outcome)
    return found


def test_every_kind_of_mistake_is_counted(weir: RunningWeir, keyring_file: Path) -> None:
    begin(weir, 300)
    right = sent(weir, keyring_file)
    long = [run for run in right.values() if len(run) > 3][:4]
    lost, repeated, changed, swapped = long
    lost.pop(1)
    repeated.append(repeated[0])
    changed[0] = changed[0]._replace(value=changed[0].value + b" ")
    swapped.reverse()
    with closing(KafkaProducer(bootstrap_servers=weir.bootstrap)) as producer:
        for run in right.values():
            for each in run:
                producer.send(each.topic, key=each.key, value=each.value, headers=list(each.headers))
        producer.flush()
    found = balance(weir, keyring_file)
    letters = found.outcomes["dead-lettered"]
    assert found.records == 300
    assert found.lost == 2 + letters  # one left out and one changed, and there was no worker to write letters
    assert (found.duplicated, found.foreign, found.out_of_order) == (1, 1, 1)
    assert not found.exact
