"""The life of keys: new versions, the end of old ones, and what to say of them.

Each change writes the file anew beside its name and puts it in place in one step: whoever reads it finds the
old one or the new one, whole.
"""

import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from pathlib import Path
from secrets import token_bytes
from stat import S_IMODE
from typing import Final

from service.errors import KeyRingError
from service.events.timestamps import format_timestamp
from service.policy.vendor_names import VendorName
from service.pseudonyms.key_storage import KEK_BYTES, PLAIN, Entry, KeyStorage
from service.pseudonyms.key_version import KEY_BYTES, KeyVersion
from service.pseudonyms.keyring import KeyRing
from service.pseudonyms.keyring_file import ID_PATTERN, encode, parse, read

#: Seconds from a change of the file until every worker has it: Kubernetes takes up to two minutes to hand a
#: Secret out, and whoever copies the file there needs some as well.
TAKE_UP: Final = 600
DAY: Final = 86_400
#: Days after which a key ring without a new version is worth a word.
OLD: Final = 365

_Versions = tuple[KeyVersion, ...]


class State(StrEnum):
    """What a version is to the events of this moment."""

    FUTURE = "future"
    IN_FORCE = "in force"
    PAST = "past"
    DESTROYED = "destroyed"


def generate(path: Path, storage: KeyStorage = PLAIN, *, created: int | None = None) -> None:
    """Write a new key ring with one random key that covers all event times; mode 0600.

    It notes when that was, if it is told. The file appears whole or not at all, and one that is there already
    is never touched.

    Raises:
        KeyRingError: if the file exists or cannot be written.
    """
    version = KeyVersion("k1", 0, token_bytes(KEY_BYTES), created=created)
    _write_new(path, encode((version,), storage))


def generate_kek(path: Path) -> None:
    """Write a new key-encrypting key; mode 0600, and never over a file that is there.

    Raises:
        KeyRingError: if the file exists or cannot be written.
    """
    _write_new(path, PLAIN.encode(token_bytes(KEK_BYTES), Entry("", 0, None)).encode("ascii") + b"\n")


def add(
    path: Path,
    storage: KeyStorage,
    *,
    begin: int | None,
    now: int,
    vendor: VendorName | None = None,
    version_id: str | None = None,
) -> KeyVersion:
    """Add a version with a random key; without a beginning, from this moment on.

    Raises:
        KeyRingError: it would begin before every worker has it, with another version, or has a wrong id.
    """
    if begin is not None and begin < now + TAKE_UP:
        raise KeyRingError(
            f"{format_timestamp(begin)} is past or less than {TAKE_UP // 60} minutes ahead: events of that "
            "time would go out under two versions, until every worker has the new one. "
            "--now begins all the same"
        )
    if version_id is not None and not re.fullmatch(ID_PATTERN, version_id):
        raise KeyRingError("the id: up to 32 lower-case letters, digits and dashes, no dash in front")
    added: list[KeyVersion] = []

    def with_it(versions: _Versions) -> _Versions:
        name = version_id or _free_id(versions)
        start = now if begin is None else begin
        added.append(KeyVersion(name, start, token_bytes(KEY_BYTES), vendor=vendor, created=now))
        return tuple(sorted((*versions, *added), key=lambda version: version.not_before))

    _change(path, storage, with_it)
    return added[0]


def retire(path: Path, storage: KeyStorage, version_id: str, destroy_after: int) -> None:
    """Note from when on nothing needs a version any more: no replay, no look-up, no erasure.

    Raises:
        KeyRingError: there is no such version, it was destroyed, or is for later events than that.
    """

    def retired(versions: _Versions) -> _Versions:
        version = _find(path, versions, version_id)
        end = KeyRing(versions).end_of(version)
        if end is None:
            raise KeyRingError(f"{version_id} has no end yet: no version follows; `weir keys add` adds one")
        if destroy_after < end:
            raise KeyRingError(f"{version_id} is for events to {format_timestamp(end)}, which is later")
        return _replaced(versions, version.needed_until(destroy_after))

    _change(path, storage, retired)


def destroy(path: Path, storage: KeyStorage, version_id: str, *, now: int, needed: bool) -> KeyVersion:
    """Take a version's key out of the file; what is left says that events of its time have none.

    Raises:
        KeyRingError: there is no such version, it was destroyed, or is needed and `needed` is not given.
    """
    gone: list[KeyVersion] = []

    def without_key(versions: _Versions) -> _Versions:
        version = _find(path, versions, version_id)
        if not needed:
            _refuse_needed(KeyRing(versions), version, now)
        gone.append(version.without_key(now))
        return _replaced(versions, *gone)

    _change(path, storage, without_key)
    return gone[0]


def rewrap(path: Path, storage: KeyStorage, new: KeyStorage) -> None:
    """Have the file hold its keys in another way."""
    _change(path, storage, lambda versions: versions, new)


def find(path: Path, storage: KeyStorage, version_id: str) -> tuple[KeyRing, KeyVersion]:
    """A key ring and one of its versions, which was not destroyed.

    Raises:
        KeyRingError: there is no such version, or it was destroyed.
    """
    versions = parse(path, read(path), storage)
    return KeyRing(versions), _find(path, versions, version_id)


def state_of(ring: KeyRing, version: KeyVersion, now: int) -> State:
    """What a version is to the events of this moment."""
    if version.destroyed is not None:
        return State.DESTROYED
    if version.not_before > now:
        return State.FUTURE
    end = ring.end_of(version)
    return State.IN_FORCE if end is None or now < end else State.PAST


def warnings(ring: KeyRing, now: int, days: int) -> Iterator[str]:
    """What its owner should know: ends within so many days, age, and what is due or missing."""
    for version in ring.versions:
        end = ring.end_of(version)
        ends_soon = end is not None and now < end <= now + days * DAY
        state = state_of(ring, version, now)
        if state is State.IN_FORCE and ends_soon:
            assert end is not None
            yield (
                f"{version.id} ends within {days} days, at {format_timestamp(end)}: from then on "
                f"{_whose(version)} new pseudonyms for everybody"
            )
        if state is State.DESTROYED and version.not_before <= now and (end is None or now < end):
            yield f"{version.id} is destroyed and would be in force: events of now are dead-lettered"
        if state is State.PAST and version.destroy_after is not None and version.destroy_after <= now:
            since = format_timestamp(version.destroy_after)
            yield f"{version.id} is needed no more since {since}: weir keys destroy"
    common = [version for version in ring.versions if version.vendor is None]
    if common and now - max(_born(version) for version in common) > OLD * DAY:
        yield f"no version for all vendors is younger than {OLD} days, as far as is known: weir keys add"


def _whose(version: KeyVersion) -> str:
    return "the vendors get" if version.vendor is None else f"{version.vendor} gets"


def _born(version: KeyVersion) -> int:
    return version.not_before if version.created is None else version.created


def _refuse_needed(ring: KeyRing, version: KeyVersion, now: int) -> None:
    state = state_of(ring, version, now)
    if state is not State.PAST:
        why = f"is {state}: without it events are dead-lettered"
    elif version.destroy_after is not None and now < version.destroy_after:
        why = f"is needed until {format_timestamp(version.destroy_after)}"
    else:
        return
    raise KeyRingError(f"{version.id} {why}. --even-if-needed destroys it all the same")


def _find(path: Path, versions: Iterable[KeyVersion], version_id: str) -> KeyVersion:
    for version in versions:
        if version.id == version_id:
            if version.destroyed is not None:
                raise KeyRingError(
                    f"{path}: {version_id} was destroyed at {format_timestamp(version.destroyed)}"
                )
            return version
    raise KeyRingError(f"{path}: has no such version; `weir keys check` lists them")


def _replaced(versions: _Versions, changed: KeyVersion) -> _Versions:
    return tuple(changed if version.id == changed.id else version for version in versions)


def _free_id(versions: Iterable[KeyVersion]) -> str:
    taken = {version.id for version in versions}
    number = len(taken) + 1
    while f"k{number}" in taken:
        number += 1
    return f"k{number}"


def _change(
    path: Path,
    storage: KeyStorage,
    change: Callable[[_Versions], _Versions],
    new_storage: KeyStorage | None = None,
) -> None:
    """Put a changed file in the place of one, with its owner and mode.

    Raises:
        KeyRingError: the file is wrong, would be wrong, can't be written, or somebody else changes it now.
    """
    target = path.resolve()
    draft = target.with_name(f".{target.name}.new")
    with _drafting(path, draft) as descriptor:
        changed = encode(change(parse(path, read(path), storage)), new_storage or storage)
        parse(path, changed, new_storage or storage)
        present = target.stat()
        os.fchmod(descriptor, S_IMODE(present.st_mode))
        if (present.st_uid, present.st_gid) != (os.geteuid(), os.getegid()):
            os.fchown(descriptor, present.st_uid, present.st_gid)
        _write(descriptor, changed)
        draft.replace(target)
    _sync(target.parent)


def _write_new(path: Path, content: bytes) -> None:
    draft = path.with_name(f".{path.name}.new")
    with _drafting(path, draft) as descriptor:
        _write(descriptor, content)
        try:
            path.hardlink_to(draft)  # unlike a rename, refuses to replace
        except FileExistsError:
            raise KeyRingError(
                f"{path}: exists already and is left as it is; a lost key can't be made again"
            ) from None
        draft.unlink()
    _sync(path.parent)


@contextmanager
def _drafting(path: Path, draft: Path) -> Iterator[int]:
    """A new file, for one change at a time; on an error it is taken away again.

    Raises:
        KeyRingError: there is such a file already, or it can't be written.
    """
    try:
        descriptor = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        raise KeyRingError(
            f"{draft}: another change is at work; if none is, one was cut short: remove this file"
        ) from None
    except OSError as error:
        raise KeyRingError(f"{path}: cannot be written: {error.strerror}") from None
    try:
        yield descriptor
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise KeyRingError(f"{path}: cannot be written: {error.strerror}") from None
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    finally:
        os.close(descriptor)


def _write(descriptor: int, content: bytes) -> None:
    with os.fdopen(descriptor, "wb", closefd=False) as file:
        file.write(content)
        file.flush()
        os.fsync(descriptor)


def _sync(folder: Path) -> None:
    """Have a change of names survive a power cut, where the file system can promise that."""
    with suppress(OSError):  # a folder that may be written and not read, among others
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
