"""What is checked and settled before a job's first record: policy, keys, topics, rights, ranges."""

import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from kafka import KafkaConsumer
from kafka.errors import KafkaError

from service.errors import BrokerError, ConfigurationError, ReplayError
from service.kafka_access import KafkaAccess
from service.policy import load
from service.policy.plan import CompiledPolicy
from service.policy.vendor_names import VendorName
from service.pseudonyms.keyring import KeyRing
from service.replay.client import consumer
from service.replay.definition import Definition, Range, Request, State, transactional_id
from service.replay.job_records import JobRecords
from service.replay.letters import Letters
from service.replay.ranges import between, describe, earliest_timestamp, find, partitions_of
from service.settings import Settings
from service.streaming.dead_letter_topic import DeadLetterTopic, Selection
from service.streaming.needed_rights import Task, needed_rights
from service.streaming.topics import NeededTopic, Role, Topics, control_topic, refuse_unfit
from service.vendors.registry import FORMS

_DAY: Final = 86_400


@dataclass(frozen=True, slots=True)
class Consent:
    """What whoever starts a job agrees to.

    Attributes:
        gaps: That records are missing which retention has removed.
        duplicates: That a vendor may count events twice that it had before.
        restart: That the job begins anew.
    """

    gaps: bool = False
    duplicates: bool = False
    restart: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run does.

    Attributes:
        settings: All settings.
        request: The job as it was asked for.
        access: How Kafka is reached.
        policy: The policy of the vendors asked for.
        for_every_vendor: Whether these are all of the policy's.
        keyring_file: The key ring's file, which holds valid keys.
        keys: The checks of its versions.
        largest: Bytes of the largest record that every topic written to takes.
        definition: The job, as it began or is to begin.
        letters: The records with dead letters that it is for; None where it is for all.
        restart: Whether it begins anew whatever there is of it.
        allow_gaps: Whether it goes on without records that retention removes meanwhile.
    """

    settings: Settings
    request: Request
    access: KafkaAccess
    policy: CompiledPolicy
    for_every_vendor: bool
    keyring_file: Path
    keys: tuple[str, ...]
    largest: int
    definition: Definition
    letters: Letters | None
    restart: bool
    allow_gaps: bool

    @property
    def client_id(self) -> str:
        """The client id of everything that the job does, for quotas."""
        definition = self.definition
        return transactional_id(self.settings.group_id, definition.job, definition.shard)

    def refuse_another(self, known: Definition) -> None:
        """See that a job that has begun is the one that is asked for.

        Raises:
            ConfigurationError: it is another one, or had another policy or other keys.
            ReplayError: it was cancelled.
        """
        job = self.request.job
        if known.arguments != self.request.arguments or known.shards != self.request.shards:
            raise ConfigurationError(
                f"job {job} began with other arguments (`weir replay status {job}` shows them); repeat "
                "those, give another --job, or start over with --restart"
            )
        if known.policy != self.policy.fingerprint:
            raise ConfigurationError(
                f"job {job} began with another policy ({known.policy[:12]}) than {self.settings.config_dir} "
                f"holds now ({self.policy.fingerprint[:12]}); put that one back, give another --job, or "
                "start over with --restart"
            )
        if not _same_keys(known, self.keys):
            raise ConfigurationError(
                f"job {job} began with other keys than {self.keyring_file} holds now for the events it is "
                "about; put those back, give another --job, or start over with --restart"
            )
        if known.state is State.CANCELLED:
            raise ReplayError(f"job {job} was cancelled; --restart starts it over")


def prepare(settings: Settings, request: Request, consent: Consent, *, is_job: bool) -> Plan:
    """Check everything, and find the offsets of a job that has not begun yet.

    Raises:
        ConfigurationError: policy, key ring or arguments are wrong.
        BrokerError: Kafka does not answer, or topics or rights are missing.
        ReplayError: the job can't go on.
    """
    policy, for_every_vendor = _policy(settings, request)
    if settings.keyring_file is None:
        raise ConfigurationError("WEIR_KEYRING_FILE is not set; `weir keys generate FILE` makes a key ring")
    keys = KeyRing.load(settings.keyring_file, settings.keyring_kek_file).checks
    access = KafkaAccess.of(settings)
    largest = _look_at_topics(settings, access, request, policy, is_job=is_job)
    client_id = transactional_id(settings.group_id, request.job, request.shard)
    try:
        known = _known(settings, access, request, client_id) if is_job and not consent.restart else None
        if known is None:
            with closing(consumer(access, client_id)) as reader:
                definition, letters = _new(
                    settings, request, consent, reader, policy=policy, keys=keys, is_job=is_job
                )
        else:
            definition, letters = known, read_letters(settings, known)
    except KafkaError as error:
        raise BrokerError(f"Kafka at {access.bootstrap} refused: {type(error).__name__}") from None
    plan = Plan(
        settings=settings,
        request=request,
        access=access,
        policy=policy,
        for_every_vendor=for_every_vendor,
        keyring_file=settings.keyring_file,
        keys=keys,
        largest=largest,
        definition=definition,
        letters=letters,
        restart=consent.restart,
        allow_gaps=consent.gaps,
    )
    plan.refuse_another(definition)
    return plan


def _same_keys(known: Definition, keys: Sequence[str]) -> bool:
    """Whether a job's events get the pseudonyms they got before: versions may follow for later events."""
    later = set(keys) - set(known.keys)
    return set(known.keys) <= set(keys) and all(
        int(check.split(":")[1]) * 1000 > known.begun for check in later
    )


def read_letters(settings: Settings, definition: Definition) -> Letters | None:
    """The dead letters that a job is for; None if it is for all records.

    Raises:
        BrokerError: Kafka does not answer, or letters are gone.
    """
    arguments = definition.arguments
    if not arguments.dead_letters:
        return None
    letters = Letters(definition.vendors, arguments.topics)
    selection = Selection(
        reasons=frozenset(arguments.reasons), vendors=frozenset({None, *definition.vendors})
    )
    with DeadLetterTopic.of(settings) as topic:
        for found in topic.letters_in({each.source: (each.start, each.end) for each in definition.letters}):
            if selection.takes(found.letter):
                letters.add(found.letter)
    return letters


def _policy(settings: Settings, request: Request) -> tuple[CompiledPolicy, bool]:
    """The policy of the vendors asked for, and whether these are all that it has."""
    policy, arguments = load(settings.config_dir), request.arguments
    known = [plan.vendor for plan in policy.vendors]
    missing = [vendor for vendor in arguments.vendors if vendor not in known]
    if missing:
        raise ConfigurationError(f"--vendor: {settings.config_dir} has no policy for {', '.join(missing)}")
    for_every_vendor = set(known) <= set(arguments.vendors or known)
    policy = policy.only(arguments.vendors or known)
    events = {name for plan in policy.vendors for name in (*plan.tracked, *plan.calls)}
    for name in arguments.events:
        if name not in events:
            near = get_close_matches(name, events, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ConfigurationError(f"--event: the policy lets no event {name!r} through to them{hint}")
    return policy, for_every_vendor


def _look_at_topics(
    settings: Settings, access: KafkaAccess, request: Request, policy: CompiledPolicy, *, is_job: bool
) -> int:
    arguments = request.arguments
    inputs = [NeededTopic(topic, Role.RAW) for topic in arguments.topics]
    letters = NeededTopic(settings.dead_letter_topic, Role.DEAD_LETTER)
    outputs = [NeededTopic(plan.topic, Role.VENDOR) for plan in policy.vendors]
    if arguments.to_topic is not None:
        taken = {*arguments.topics, settings.raw_topic, settings.dead_letter_topic, settings.control_topic}
        if arguments.to_topic in taken:
            raise ConfigurationError(f"--to-topic: {arguments.to_topic} has another use already")
        outputs = [NeededTopic(arguments.to_topic, Role.VENDOR)]
    outputs.append(letters)
    with Topics.of(access) as kafka:
        if is_job:
            topics = [*inputs, *outputs, control_topic(settings)]
            kafka.require(needed_rights(Task.REPLAY, settings, topics))
        else:
            topics = [*inputs, *outputs]
        states = kafka.look(list({topic.name: topic for topic in topics}.values()))
    refuse_unfit(states)
    return min(state.largest for state in states if state.topic.role.is_output)


def _known(settings: Settings, access: KafkaAccess, request: Request, client_id: str) -> Definition | None:
    """The job, if it has begun before.

    Raises:
        ConfigurationError: it began with another number of shards.
    """
    with closing(JobRecords(access, settings.control_topic, client_id)) as records:
        records.read(settings.transaction_timeout)
        others = [each for each in records.shards(request.job) if each.shards != request.shards]
        if others:
            raise ConfigurationError(
                f"job {request.job} began with {others[0].shards} shards; go on with as many, give another "
                "--job, or start over with --restart"
            )
        return records.jobs.get((request.job, request.shard))


def _new(
    settings: Settings,
    request: Request,
    consent: Consent,
    reader: KafkaConsumer,
    *,
    policy: CompiledPolicy,
    keys: tuple[str, ...],
    is_job: bool,
) -> tuple[Definition, Letters | None]:
    begun = time.time()
    definition = Definition(
        job=request.job,
        shard=request.shard,
        shards=request.shards,
        begun=int(begun * 1000),
        arguments=request.arguments,
        vendors=tuple(plan.vendor for plan in policy.vendors),
        policy=policy.fingerprint,
        keys=keys,
        ranges=(),
        letters=tuple(_letter_ranges(settings, request, reader)),
    )
    letters = read_letters(settings, definition)
    found = find(reader, request, letters)
    notes = []
    if found.gaps:
        gone = "retention has removed records that are asked for: " + "; ".join(describe(found.gaps))
        if not consent.gaps:
            raise ConfigurationError(f"{gone}. --allow-gaps goes on without them")
        notes.append(gone)
    if not any(each.offsets for each in found.ranges) and request.shards == 1:
        raise ConfigurationError(_NOTHING[request.arguments.dead_letters])
    if is_job and request.arguments.to_topic is None and letters is None:
        first = earliest_timestamp(reader, found.ranges, settings.transaction_timeout)
        doubled = [] if first is None else list(_doubled(definition.vendors, begun - first / 1000))
        if doubled and not consent.duplicates:
            raise ConfigurationError(
                "; ".join(doubled) + ". --accept-duplicates-at-vendor sends all the same: right for a vendor "
                "that never had these events, or does not have them any more"
            )
        notes += doubled
    definition = definition.model_copy(
        update={
            "ranges": tuple(found.ranges),
            "gone": sum(gap.end - gap.start for gap in found.gaps if request.since is None),
            "due": None if letters is None else letters.records,
            "notes": tuple(notes),
        }
    )
    return definition, letters


_NOTHING: Final = {
    False: "the range is empty: there are no records between --from and --to",
    True: "there are no such dead letters",
}


def _letter_ranges(settings: Settings, request: Request, reader: KafkaConsumer) -> list[Range]:
    if not request.arguments.dead_letters:
        return []
    partitions = partitions_of(reader, settings.dead_letter_topic)
    return between(reader, partitions, request.since, request.until).ranges


def _doubled(vendors: Sequence[VendorName], seconds: float) -> Iterator[str]:
    """What vendors would count twice of events that arrived so many seconds ago, if they had them."""
    for vendor in vendors:
        window = FORMS[vendor].deduplicates_for
        if window == 0:
            yield f"{vendor} knows no event again that it had before"
        elif window is not None and seconds > window:
            yield (
                f"{vendor} knows an event again for {window / _DAY:g} days, and the range begins "
                f"{seconds / _DAY:.1f} days ago"
            )
