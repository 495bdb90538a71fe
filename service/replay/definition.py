"""What a job is: its arguments, the offsets it covers, and the names it has in Kafka."""

import hashlib
from collections.abc import Sequence
from enum import StrEnum
from typing import Final, NamedTuple, Self

import orjson
from kafka import TopicPartition
from pydantic import BaseModel, ConfigDict, Field

from service.policy.vendor_names import VendorName
from service.sanitize.outcomes import DeadLetterReason
from service.streaming.control_topic import REPLAY_KEYS
from service.streaming.needed_rights import replays

#: What a job may be called: it becomes a part of names in Kafka.
JOB_NAME: Final = r"^[A-Za-z0-9._-]{1,100}$"
#: Characters of a job's id that is derived from its arguments.
_DERIVED: Final = 12

_MODEL: Final = ConfigDict(frozen=True, strict=True, extra="forbid", hide_input_in_errors=True)


class Range(BaseModel):
    """Offsets of one partition, `start` included, `end` not."""

    model_config = _MODEL

    topic: str
    partition: int = Field(ge=0)
    start: int = Field(ge=0)
    end: int = Field(ge=0)

    @property
    def source(self) -> TopicPartition:
        """The partition."""
        return TopicPartition(self.topic, self.partition)

    @property
    def offsets(self) -> int:
        """How many; not all need have a record."""
        return self.end - self.start


class OffsetsLine(BaseModel):
    """A line of `--offsets FILE`; without an end it is where the partition ends when the job begins."""

    model_config = _MODEL

    topic: str
    partition: int = Field(ge=0)
    start: int = Field(ge=0)
    end: int | None = Field(default=None, ge=0)


class Arguments(BaseModel):
    """What a job is asked to do.

    Attributes:
        topics: The raw topics.
        vendors: Who gets the events, in the order of VendorName; none for all of the policy.
        events: Names of tracked events, and of other call types; none for all.
        since: The first moment, as it was given; None for the first record kept.
        until: The moment that comes after the last, as it was given; None for the end when the job begins.
        offsets: The offsets, where these were given in place of moments.
        dead_letters: Whether only records with dead letters are meant; moments are then those of the letters.
        reasons: The letters' reasons; none for all.
        to_topic: The topic that gets everything in place of the vendors' own.
        as_live: Whether events go out without the vendors' marks for old ones.
    """

    model_config = _MODEL

    topics: tuple[str, ...]
    vendors: tuple[VendorName, ...] = ()
    events: tuple[str, ...] = ()
    since: str | None = None
    until: str | None = None
    offsets: tuple[OffsetsLine, ...] = ()
    dead_letters: bool = False
    reasons: tuple[DeadLetterReason, ...] = ()
    to_topic: str | None = None
    as_live: bool = False

    @property
    def job(self) -> str:
        """The id of a job that was given none: the same arguments are the same job."""
        canonical = orjson.dumps(self.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS)
        return hashlib.sha256(canonical).hexdigest()[:_DERIVED]

    @property
    def options(self) -> list[str]:
        """As they are repeated on a command line; the file of `--offsets` is to be named behind it."""
        values: list[tuple[str, Sequence[str]]] = [
            ("--from", () if self.since is None else (self.since,)),
            ("--to", () if self.until is None else (self.until,)),
            ("--reason", self.reasons),
            ("--vendor", self.vendors),
            ("--event", self.events),
            ("--topic", () if self.offsets else self.topics),
            ("--to-topic", () if self.to_topic is None else (self.to_topic,)),
        ]
        switches = {
            "--from-dead-letters": self.dead_letters,
            "--as-live": self.as_live,
            "--offsets": bool(self.offsets),
        }
        return [
            *(word for option, each in values for value in each for word in (option, value)),
            *(option for option, given in switches.items() if given),
        ]


class Request(NamedTuple):
    """A job as it is asked for on a command line.

    Attributes:
        job: Its id.
        shard: Which of its shards.
        shards: How many it has.
        arguments: What it does.
        since: The arguments' first moment, milliseconds since 1970.
        until: The arguments' last moment.
        relative: Whether the id stands for moments counted back from now: another time, another job is meant.
    """

    job: str
    shard: int
    shards: int
    arguments: Arguments
    since: int | None
    until: int | None
    relative: bool = False


class State(StrEnum):
    """Whether a job may go on."""

    BEGUN = "begun"
    CANCELLED = "cancelled"


class Definition(BaseModel):
    """A job, or one shard of it, as the control topic keeps it from its first start on.

    Attributes:
        job: The job's id.
        shard: Which of its shards, from 0 on; each has the partitions whose number leaves it as a remainder.
        shards: How many it has.
        begun: Milliseconds since 1970.
        arguments: What it does.
        vendors: Who gets the events.
        policy: Fingerprint of the policy that it began with.
        keys: The checks of the key versions that it began with.
        ranges: The raw offsets it covers.
        letters: The offsets of the dead-letter topic that it takes letters from.
        gone: Offsets in its ranges that retention had removed before it began.
        due: Raw records with letters, where it is for these.
        notes: What whoever began it was told, a line each.
    """

    model_config = _MODEL

    job: str = Field(pattern=JOB_NAME)
    shard: int = Field(ge=0)
    shards: int = Field(ge=1)
    begun: int = Field(ge=0)
    arguments: Arguments
    vendors: tuple[VendorName, ...]
    policy: str
    keys: tuple[str, ...]
    ranges: tuple[Range, ...]
    letters: tuple[Range, ...] = ()
    gone: int = Field(default=0, ge=0)
    due: int | None = None
    notes: tuple[str, ...] = ()
    state: State = State.BEGUN

    @classmethod
    def decode(cls, value: bytes) -> Self:
        """Read what `encode` wrote.

        Raises:
            pydantic.ValidationError: it is something else.
        """
        return cls.model_validate_json(value)

    def encode(self) -> bytes:
        """The value of its record in the control topic."""
        return self.model_dump_json().encode()

    @property
    def key(self) -> bytes:
        """The key of its record."""
        return REPLAY_KEYS + f"{self.job}/{self.shard}".encode()

    @property
    def offsets(self) -> int:
        """How many offsets it covers."""
        return sum(each.offsets for each in self.ranges)


def group_of(group: str, job: str) -> str:
    """A job's consumer group: its progress."""
    return f"{replays(group)}{job}"


def transactional_id(group: str, job: str, shard: int) -> str:
    """The transactional id of a job's shard: whoever takes it fences whoever had it."""
    return f"{group_of(group, job)}/{shard}"
