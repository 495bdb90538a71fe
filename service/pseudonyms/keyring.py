"""The key ring: ordered key versions from one mounted file, and the vendors' keys derived from them.

docs/keys.md describes the file. Key bytes never show in a repr, a log line or an error, and a key ring is
never pickled: each process loads its own.
"""

import json
import os
from base64 import b64decode, b64encode
from bisect import bisect_right
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_bytes, token_hex
from typing import Annotated, Final, NoReturn

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_core import PydanticCustomError

from service.errors import KeyRingError
from service.policy.vendor_names import VendorName
from service.pseudonyms.pseudonymizer import KeyedPseudonymizer

KEY_BYTES: Final = 32
#: Fewer distinct bytes than this in 32 or more is no random key: chance makes none such.
_DISTINCT_BYTES: Final = 10
_CHECK_BYTES: Final = 8
#: How `not_before` is written: UTC, to the second.
TIME_FORMAT: Final = "%Y-%m-%dT%H:%M:%SZ"


def hkdf_sha256(key: bytes, *, info: bytes, length: int, salt: bytes | None = None) -> bytes:
    """HKDF with SHA-256 (RFC 5869), extract and expand."""
    return HKDF(algorithm=SHA256(), length=length, salt=salt, info=info).derive(key)


class KeyVersion:
    """One version of the secret: its id, the event time it begins at, and bytes that nothing shows."""

    __slots__ = ("_key", "id", "not_before")

    def __init__(self, version_id: str, not_before: int, key: bytes) -> None:
        """Take the id, the first event time in whole seconds since the epoch, and the secret."""
        self.id = version_id
        self.not_before = not_before
        self._key = key

    def __repr__(self) -> str:
        return f"<KeyVersion {self.id}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("keys are not pickled: each process loads the key ring from its file")

    def derive(self, vendor: VendorName, purpose: str) -> bytes:
        """The vendor's key for a purpose: 32 bytes, HKDF info `weir/v1/<vendor>/<purpose>`."""
        return hkdf_sha256(self._key, info=f"weir/v1/{vendor}/{purpose}".encode(), length=KEY_BYTES)

    @property
    def check(self) -> str:
        """Tells this version from any other without telling the secret: id, first event time, 64 bits."""
        bits = hkdf_sha256(self._key, info=b"weir/v1/check", length=_CHECK_BYTES)
        return f"{self.id}:{self.not_before}:{bits.hex()}"


class KeyRing:
    """The key versions in the order of their event times."""

    def __init__(self, versions: tuple[KeyVersion, ...]) -> None:
        """Take versions that are in order; `load` checks that."""
        self.versions = versions
        self._starts = [version.not_before for version in versions]
        self._pseudonymizers: dict[tuple[VendorName, str], KeyedPseudonymizer] = {}

    def __repr__(self) -> str:
        return f"<KeyRing {', '.join(version.id for version in self.versions)}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("keys are not pickled: each process loads the key ring from its file")

    @classmethod
    def load(cls, path: Path) -> "KeyRing":
        """Read and check a key ring file.

        Raises:
            KeyRingError: naming every mistake, one a line, and never what the file holds.
        """
        try:
            content = path.read_bytes()
        except OSError as error:
            raise KeyRingError(f"{path}: cannot be read: {error.strerror}") from None
        return cls(_parse(path, content))

    def version_at(self, timestamp: int) -> KeyVersion | None:
        """The version for an event time (seconds since the epoch), None before the first `not_before`."""
        index = bisect_right(self._starts, timestamp)
        return self.versions[index - 1] if index else None

    def pseudonymizer(self, vendor: VendorName, timestamp: int) -> KeyedPseudonymizer | None:
        """The vendor's pseudonymizer for an event time, None where no key version covers it."""
        version = self.version_at(timestamp)
        if version is None:
            return None
        pseudonymizer = self._pseudonymizers.get((vendor, version.id))
        if pseudonymizer is None:
            pseudonymizer = KeyedPseudonymizer(version.id, lambda purpose: version.derive(vendor, purpose))
            self._pseudonymizers[vendor, version.id] = pseudonymizer
        return pseudonymizer


def _in_utc(text: str) -> str:
    try:
        datetime.strptime(text, TIME_FORMAT).replace(tzinfo=UTC)
    except ValueError:
        raise PydanticCustomError(
            "not_utc", "is not a time in UTC to the second, such as 2026-01-01T00:00:00Z"
        ) from None
    return text


class _StoredVersion(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]
    not_before: Annotated[str, AfterValidator(_in_utc)]
    key: SecretStr


class _StoredKeyRing(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)

    versions: Annotated[list[_StoredVersion], Field(min_length=1)]


class _DuplicateKeyError(ValueError):
    pass


def _without_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _DuplicateKeyError
    return found


def _parse(path: Path, content: bytes) -> tuple[KeyVersion, ...]:
    try:
        stored = _StoredKeyRing.model_validate(json.loads(content, object_pairs_hook=_without_duplicates))
    except _DuplicateKeyError:
        raise KeyRingError(f"{path}: a name stands twice in one object") from None
    except ValidationError as error:
        mistakes = error.errors(include_input=False, include_url=False, include_context=False)
        raise KeyRingError("\n".join(f"{path}: {_place(m['loc'])}{m['msg']}" for m in mistakes)) from None
    except (ValueError, RecursionError):
        raise KeyRingError(f"{path}: is not JSON") from None

    problems: list[str] = []
    versions: list[KeyVersion] = []
    keys: dict[bytes, str] = {}
    for index, entry in enumerate(stored.versions):
        place = f"{path}: versions.{index} ({entry.id}): "
        version = KeyVersion(entry.id, _seconds(entry.not_before), _key_bytes(entry.key, place, problems))
        key = version._key  # noqa: SLF001  (the class is this module's own)
        if key and key in keys:
            problems.append(f"{place}has the same key as {keys[key]}")
        keys.setdefault(key, entry.id)
        if any(version.id == earlier.id for earlier in versions):
            problems.append(f"{place}the id is taken by an earlier version")
        if versions and version.not_before <= versions[-1].not_before:
            problems.append(f"{place}not_before is not later than that of the version before it")
        versions.append(version)
    if problems:
        raise KeyRingError("\n".join(problems))
    return tuple(versions)


def _place(location: tuple[int | str, ...]) -> str:
    # A name that the file made up is not shown: it may be a key in the wrong place.
    known = {"versions", "id", "not_before", "key"}
    parts = [str(part) if isinstance(part, int) or part in known else "(unknown name)" for part in location]
    return ".".join(parts) + ": " if parts else ""


def _seconds(not_before: str) -> int:
    return int(datetime.strptime(not_before, TIME_FORMAT).replace(tzinfo=UTC).timestamp())


def _key_bytes(secret: SecretStr, place: str, problems: list[str]) -> bytes:
    try:
        key = b64decode(secret.get_secret_value(), validate=True)
    except ValueError:
        problems.append(f"{place}the key is not base64")
        return b""
    if len(key) < KEY_BYTES:
        problems.append(f"{place}the key has {len(key)} bytes; it needs {KEY_BYTES} or more")
    elif len(set(key)) < _DISTINCT_BYTES:
        problems.append(f"{place}the key is not random: it repeats a few bytes")
    return key


def generate(path: Path) -> None:
    """Write a new key ring with one random key that covers all event times; mode 0600.

    The file appears whole or not at all, and one that is there already is never touched.

    Raises:
        KeyRingError: if the file exists or cannot be written.
    """
    version = {
        "id": "k1",
        "not_before": "1970-01-01T00:00:00Z",
        "key": b64encode(token_bytes(KEY_BYTES)).decode("ascii"),
    }
    content = json.dumps({"versions": [version]}, indent=2) + "\n"
    draft = path.with_name(f".{path.name}.{token_hex(8)}")
    try:
        with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        try:
            path.hardlink_to(draft)  # unlike a rename, refuses to replace
        finally:
            draft.unlink()
    except FileExistsError:
        raise KeyRingError(
            f"{path}: exists already and is left as it is; a lost key ring cannot be made again"
        ) from None
    except OSError as error:
        raise KeyRingError(f"{path}: cannot be written: {error.strerror}") from None
