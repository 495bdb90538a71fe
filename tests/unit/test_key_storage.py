"""Keys wrapped under a key-encrypting key, and whatever may be done to them."""

import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from service.errors import KeyRingError
from service.policy.vendor_names import VendorName
from service.pseudonyms import key_life
from service.pseudonyms.key_storage import PLAIN, EnvelopeStorage
from service.pseudonyms.keyring import KeyRing

NOW = 1_767_225_600


@pytest.fixture
def kek(tmp_path: Path) -> Path:
    path = tmp_path / "kek"
    key_life.generate_kek(path)
    return path


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """A key ring of a version for all and one for Mixpanel."""
    path = tmp_path / "plain.json"
    key_life.generate(path, created=NOW)
    key_life.add(path, PLAIN, begin=NOW + 7200, now=NOW, vendor=VendorName.MIXPANEL)
    return path


@pytest.fixture
def wrapped(tmp_path: Path, plain: Path, kek: Path) -> Path:
    path = tmp_path / "wrapped.json"
    path.write_bytes(plain.read_bytes())
    key_life.rewrap(path, PLAIN, EnvelopeStorage.load(kek))
    return path


def test_a_wrapped_key_ring_is_the_same_and_its_file_holds_no_key(
    plain: Path, wrapped: Path, kek: Path
) -> None:
    assert KeyRing.load(wrapped, kek).checks == KeyRing.load(plain).checks
    for version in json.loads(plain.read_text())["versions"]:
        assert version["key"] not in wrapped.read_text()
    assert {"id", "not_before", "vendor", "wrapped"} <= json.loads(wrapped.read_text())["versions"][1].keys()


def test_the_form_is_as_documented(plain: Path, wrapped: Path, kek: Path) -> None:
    stored = json.loads(wrapped.read_text())["versions"][1]
    whole = b64decode(stored["wrapped"])
    binding = f"weir/v1/wrapped/{stored['id']}/{stored['not_before']}/mixpanel".encode()
    secret = AESGCM(b64decode(kek.read_text())).decrypt(whole[:12], whole[12:], binding)
    assert secret == b64decode(json.loads(plain.read_text())["versions"][1]["key"])


def test_every_wrapping_has_a_nonce_of_its_own(wrapped: Path, kek: Path) -> None:
    storage = EnvelopeStorage.load(kek)
    nonces = set()
    for _ in range(4):
        key_life.rewrap(wrapped, storage, storage)
        entries = json.loads(wrapped.read_text())["versions"]
        nonces |= {b64decode(entry["wrapped"])[:12] for entry in entries}
    assert len(nonces) == 8


def moved(entries: list[dict[str, Any]]) -> None:
    first, second = entries
    first["wrapped"], second["wrapped"] = second["wrapped"], first["wrapped"]


def flipped(entries: list[dict[str, Any]]) -> None:
    whole = bytearray(b64decode(entries[1]["wrapped"]))
    whole[20] ^= 1
    entries[1]["wrapped"] = b64encode(whole).decode()


SHUT = "the wrapped key can't be opened: the key-encrypting key is another one, or the version was changed"
UNWRAPPED = "the key is not wrapped, although there is a key-encrypting key; `weir keys encrypt` wraps it"


@pytest.mark.parametrize(
    ("spoil", "problems"),
    [
        (moved, [f"versions.0 (k1): {SHUT}", f"versions.1 (k2): {SHUT}"]),
        (flipped, [f"versions.1 (k2): {SHUT}"]),
        (lambda entries: entries[1].update(id="k3"), [f"versions.1 (k3): {SHUT}"]),
        (lambda entries: entries[1].update(vendor="ga4"), [f"versions.1 (k2): {SHUT}"]),
        (lambda entries: entries[1].pop("vendor"), [f"versions.1 (k2): {SHUT}"]),
        (lambda entries: entries[1].update(not_before="2030-01-01T00:00:00Z"), [f"versions.1 (k2): {SHUT}"]),
        (lambda entries: entries[1].update(wrapped=""), [f"versions.1 (k2): {SHUT}"]),
        (
            lambda entries: entries[1].update(wrapped="%%"),
            ["versions.1 (k2): the wrapped key is not base64"],
        ),
        (lambda entries: entries[1].update(key=entries[1].pop("wrapped")), [f"versions.1 (k2): {UNWRAPPED}"]),
    ],
)
def test_a_spoiled_version_is_refused_by_its_place(
    wrapped: Path, kek: Path, spoil: Callable[[list[dict[str, Any]]], None], problems: list[str]
) -> None:
    document = json.loads(wrapped.read_text())
    spoil(document["versions"])
    wrapped.write_text(json.dumps(document))
    with pytest.raises(KeyRingError) as refusal:
        KeyRing.load(wrapped, kek)
    assert str(refusal.value).splitlines() == [f"{wrapped}: {problem}" for problem in problems]
    assert refusal.value.__suppress_context__ or refusal.value.__context__ is None


def test_another_key_opens_nothing(wrapped: Path, tmp_path: Path) -> None:
    key_life.generate_kek(tmp_path / "other")
    with pytest.raises(KeyRingError) as refusal:
        KeyRing.load(wrapped, tmp_path / "other")
    assert str(refusal.value).count("can't be opened") == 2


def test_a_key_ring_is_read_as_it_is_said_to_be(plain: Path, wrapped: Path, kek: Path) -> None:
    with pytest.raises(KeyRingError, match="the key is wrapped: --kek"):
        KeyRing.load(wrapped)
    with pytest.raises(KeyRingError, match="the key is not wrapped"):
        KeyRing.load(plain, kek)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "it has 0 bytes and needs 32"),
        (b64encode(bytes(31)), "it has 31 bytes and needs 32"),
        (b"%%%", "not base64"),
        (b"\xff\xfe", "not base64"),
    ],
)
def test_a_wrong_key_encrypting_key_is_refused(tmp_path: Path, content: bytes, problem: str) -> None:
    path = tmp_path / "kek"
    path.write_bytes(content)
    with pytest.raises(KeyRingError, match=problem) as refusal:
        EnvelopeStorage.load(path)
    assert str(path) in str(refusal.value)


def test_a_missing_key_encrypting_key_is_refused(tmp_path: Path, plain: Path) -> None:
    with pytest.raises(KeyRingError, match="cannot be read: No such file"):
        KeyRing.load(plain, tmp_path / "kek")


def test_another_key_encrypting_key_takes_over(wrapped: Path, plain: Path, kek: Path, tmp_path: Path) -> None:
    new = tmp_path / "new"
    key_life.generate_kek(new)
    key_life.rewrap(wrapped, EnvelopeStorage.load(kek), EnvelopeStorage.load(new))
    assert KeyRing.load(wrapped, new).checks == KeyRing.load(plain).checks
    with pytest.raises(KeyRingError, match="can't be opened"):
        KeyRing.load(wrapped, kek)


def test_a_generated_key_encrypting_key_is_its_owners_and_never_overwritten(kek: Path) -> None:
    before = kek.read_bytes()
    assert kek.stat().st_mode & 0o777 == 0o600
    with pytest.raises(KeyRingError, match="exists already"):
        key_life.generate_kek(kek)
    assert kek.read_bytes() == before
