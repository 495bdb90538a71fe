"""The key ring file: from its bytes to key versions, with every mistake by its place, and back.

docs/keys.md describes it.
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_core import PydanticCustomError

from service.errors import KeyRingError
from service.events.timestamps import format_timestamp
from service.policy.vendor_names import VendorName
from service.pseudonyms.key_storage import Entry, KeyStorage
from service.pseudonyms.key_version import KEY_BYTES, TIME_FORMAT, KeyVersion

#: What an id may be.
ID_PATTERN: Final = r"^[a-z0-9][a-z0-9-]{0,31}$"
#: Fewer distinct bytes than this in 32 or more is no random key: chance makes none such.
_DISTINCT_BYTES: Final = 10


def _in_utc(text: str) -> str:
    try:
        _seconds(text)
    except ValueError:
        raise PydanticCustomError(
            "not_utc", "is not a time in UTC to the second, such as 2026-01-01T00:00:00Z"
        ) from None
    return text


def _seconds(text: str) -> int:
    return int(datetime.strptime(text, TIME_FORMAT).replace(tzinfo=UTC).timestamp())


_Time: TypeAlias = Annotated[str, AfterValidator(_in_utc)]


class _StoredVersion(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)

    id: Annotated[str, Field(pattern=ID_PATTERN)]
    not_before: _Time
    vendor: Annotated[VendorName | None, Field(strict=False)] = None
    key: SecretStr | None = None
    wrapped: SecretStr | None = None
    created: _Time | None = None
    destroy_after: _Time | None = None
    destroyed: _Time | None = None


class _StoredKeyRing(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)

    versions: Annotated[list[_StoredVersion], Field(min_length=1)]


class _DuplicateKeyError(ValueError):
    pass


def read(path: Path) -> bytes:
    """A file's bytes.

    Raises:
        KeyRingError: it can't be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise KeyRingError(f"{path}: cannot be read: {error.strerror}") from None


def parse(path: Path, content: bytes, storage: KeyStorage) -> tuple[KeyVersion, ...]:
    """The key versions in a file's bytes.

    Raises:
        KeyRingError: naming every mistake, one a line, and never what the file holds.
    """
    stored = _stored(path, content)
    problems: list[str] = []
    versions: list[KeyVersion] = []
    secrets: dict[bytes, str] = {}
    for index, entry in enumerate(stored.versions):
        place = f"{path}: versions.{index} ({entry.id}): "
        found: list[str] = []
        version = _version(entry, storage, found)
        if version.destroyed is None and version.secret:
            if version.secret in secrets:
                found.append(f"has the same key as {secrets[version.secret]}")
            secrets.setdefault(version.secret, version.id)
        if any(version.id == earlier.id for earlier in versions):
            found.append("the id is taken by an earlier version")
        if versions and not _may_follow(version, versions):
            found.append(
                "not_before is not later than that of the version before it; only versions of different "
                "vendors may begin together"
            )
        versions.append(version)
        problems += [place + problem for problem in found]
    if problems:
        raise KeyRingError("\n".join(problems))
    return tuple(versions)


def encode(versions: tuple[KeyVersion, ...], storage: KeyStorage) -> bytes:
    """A file's bytes for key versions."""
    entries = []
    for version in versions:
        entry: dict[str, str] = {"id": version.id, "not_before": format_timestamp(version.not_before)}
        if version.vendor is not None:
            entry["vendor"] = version.vendor.value
        if version.destroyed is None:
            bound = Entry(version.id, version.not_before, version.vendor)
            entry[storage.member] = storage.encode(version.secret, bound)
        for name in ("created", "destroy_after", "destroyed"):
            if (moment := getattr(version, name)) is not None:
                entry[name] = format_timestamp(moment)
        entries.append(entry)
    return (json.dumps({"versions": entries}, indent=2) + "\n").encode("ascii")


def _stored(path: Path, content: bytes) -> _StoredKeyRing:
    try:
        return _StoredKeyRing.model_validate(json.loads(content, object_pairs_hook=_without_duplicates))
    except _DuplicateKeyError:
        raise KeyRingError(f"{path}: a name stands twice in one object") from None
    except ValidationError as error:
        mistakes = error.errors(include_input=False, include_url=False, include_context=False)
        raise KeyRingError("\n".join(f"{path}: {_place(m['loc'])}{m['msg']}" for m in mistakes)) from None
    except (ValueError, RecursionError):
        raise KeyRingError(f"{path}: is not JSON") from None


def _without_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _DuplicateKeyError
    return found


def _place(location: tuple[int | str, ...]) -> str:
    # A name that the file made up is not shown: it may be a key in the wrong place.
    known = {"versions", *_StoredVersion.model_fields}
    parts = [str(part) if isinstance(part, int) or part in known else "(unknown name)" for part in location]
    return ".".join(parts) + ": " if parts else ""


def _version(stored: _StoredVersion, storage: KeyStorage, problems: list[str]) -> KeyVersion:
    created, destroy_after, destroyed = (
        None if text is None else _seconds(text)
        for text in (stored.created, stored.destroy_after, stored.destroyed)
    )
    entry = Entry(stored.id, _seconds(stored.not_before), stored.vendor)
    if destroyed is not None and (stored.key or stored.wrapped):
        problems.append("is destroyed, and has a key all the same")
    return KeyVersion(
        entry.id,
        entry.not_before,
        None if destroyed is not None else _secret(stored, entry, storage, problems),
        vendor=entry.vendor,
        created=created,
        destroy_after=destroy_after,
        destroyed=destroyed,
    )


def _secret(stored: _StoredVersion, entry: Entry, storage: KeyStorage, problems: list[str]) -> bytes:
    text = stored.key if storage.member == "key" else stored.wrapped
    other = stored.wrapped if storage.member == "key" else stored.key
    if other is not None:
        problems.append(_OTHER_STORAGE[storage.member])
        return b""
    if text is None:
        problems.append("has no key, and is not destroyed")
        return b""
    try:
        key = storage.decode(text.get_secret_value(), entry)
    except ValueError as error:
        problems.append(str(error))
        return b""
    if len(key) < KEY_BYTES:
        problems.append(f"the key has {len(key)} bytes; it needs {KEY_BYTES} or more")
    elif len(set(key)) < _DISTINCT_BYTES:
        problems.append("the key is not random: it repeats a few bytes")
    return key


#: What is said where the keys stand otherwise than whoever reads them was told.
_OTHER_STORAGE: Final = {
    "key": "the key is wrapped: --kek, or WEIR_KEYRING_KEK_FILE, names the file of the key-encrypting key",
    "wrapped": "the key is not wrapped, although there is a key-encrypting key; `weir keys encrypt` wraps it",
}


def _may_follow(version: KeyVersion, earlier: list[KeyVersion]) -> bool:
    """Whether it is in order: for no vendor do two versions begin together."""
    together = [each.vendor for each in earlier if each.not_before == version.not_before]
    if together:
        return version.vendor is not None and not {None, version.vendor} & {*together}
    return version.not_before > earlier[-1].not_before
