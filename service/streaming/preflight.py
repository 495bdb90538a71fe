"""What is checked before a worker starts: policy, key ring, topics."""

from dataclasses import dataclass
from pathlib import Path

from service.errors import ConfigurationError
from service.kafka_access import KafkaAccess
from service.policy import load
from service.policy.plan import CompiledPolicy
from service.pseudonyms.keyring import KeyRing
from service.settings import Settings
from service.streaming.needed_rights import Task, needed_rights
from service.streaming.topics import Topics, needed_topics, refuse_unfit


@dataclass(frozen=True, slots=True)
class Checked:
    """What the checks found.

    Attributes:
        policy: The compiled policy.
        keyring_file: The key ring's file, which holds valid keys.
        largest: Bytes of the largest record that every output topic takes.
        partitions: How many each output topic has.
    """

    policy: CompiledPolicy
    keyring_file: Path
    largest: int
    partitions: dict[str, int]


def check(settings: Settings) -> Checked:
    """Check everything that can be wrong before the first record.

    Raises:
        ConfigurationError: policy or key ring is wrong.
        BrokerError: Kafka does not answer, or topics or rights are missing, or the control topic is
            unfit.
    """
    policy = load(settings.config_dir)
    if settings.keyring_file is None:
        raise ConfigurationError("WEIR_KEYRING_FILE is not set; `weir keys generate FILE` makes a key ring")
    KeyRing.load(settings.keyring_file, settings.keyring_kek_file)
    with Topics.of(KafkaAccess.of(settings)) as kafka:
        topics = needed_topics(settings, policy)
        kafka.require(needed_rights(Task.WORKER, settings, topics))
        states = kafka.look(topics)
    refuse_unfit(states)
    outputs = [state for state in states if state.topic.role.is_output]
    return Checked(
        policy,
        settings.keyring_file,
        largest=min(state.largest for state in outputs),
        partitions={state.topic.name: state.partitions for state in outputs},
    )
