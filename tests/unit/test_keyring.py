"""The key ring file, the derivation and what must never show."""

import copy
import json
import pickle
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from service.errors import KeyRingError
from service.policy.vendor_names import VendorName
from service.pseudonyms.encodings import alphanumeric
from service.pseudonyms.keyring import KeyRing, generate, hkdf_sha256

YEAR_2026 = 1_767_225_600


def key(name: str) -> str:
    return b64encode(sha256(name.encode()).digest()).decode()


def version(name: str, not_before: str) -> dict[str, Any]:
    return {"id": name, "not_before": not_before, "key": key(name)}


def ring_file(folder: Path, *versions: dict[str, Any]) -> Path:
    path = folder / "keyring.json"
    path.write_text(json.dumps({"versions": versions}))
    return path


@pytest.fixture
def two_versions(tmp_path: Path) -> KeyRing:
    return KeyRing.load(
        ring_file(tmp_path, version("old", "2020-01-01T00:00:00Z"), version("new", "2026-01-01T00:00:00Z"))
    )


# RFC 5869, appendix A, test cases 1 to 3.
@pytest.mark.parametrize(
    ("ikm", "salt", "info", "okm"),
    [
        (
            "0b" * 22,
            "000102030405060708090a0b0c",
            "f0f1f2f3f4f5f6f7f8f9",
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
        ),
        (
            bytes(range(0x50)).hex(),
            bytes(range(0x60, 0xB0)).hex(),
            bytes(range(0xB0, 0x100)).hex(),
            (
                "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e59"
                "0e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87"
            ),
        ),
        (
            "0b" * 22,
            "",
            "",
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
        ),
    ],
)
def test_hkdf_gives_the_vectors_of_rfc_5869(ikm: str, salt: str, info: str, okm: str) -> None:
    expected = bytes.fromhex(okm)
    derived = hkdf_sha256(
        bytes.fromhex(ikm),
        salt=bytes.fromhex(salt) or None,
        info=bytes.fromhex(info),
        length=len(expected),
    )
    assert derived == expected


def test_a_vendors_key_is_derived_with_the_documented_info(two_versions: KeyRing) -> None:
    expected = hkdf_sha256(sha256(b"new").digest(), info=b"weir/v1/ga4/user", length=32)
    assert two_versions.versions[1].derive(VendorName.GA4, "user") == expected


def test_vendors_purposes_and_versions_have_keys_of_their_own(two_versions: KeyRing) -> None:
    keys = {
        each.derive(vendor, purpose)
        for each in two_versions.versions
        for vendor in VendorName
        for purpose in ("user", "device", "event")
    }
    assert len(keys) == 2 * 5 * 3


def test_the_event_time_chooses_the_version(two_versions: KeyRing) -> None:
    chosen = {
        moment: getattr(two_versions.version_at(moment), "id", None)
        for moment in (0, 1_577_836_799, 1_577_836_800, YEAR_2026 - 1, YEAR_2026, 4_000_000_000)
    }
    assert list(chosen.values()) == [None, None, "old", "old", "new", "new"]


def test_there_is_no_pseudonymizer_before_the_first_version(two_versions: KeyRing) -> None:
    assert two_versions.pseudonymizer(VendorName.MIXPANEL, 1_577_836_799) is None


def test_a_backfill_gets_the_pseudonym_of_the_events_time(two_versions: KeyRing) -> None:
    def pseudonym(moment: int) -> str:
        pseudonymizer = two_versions.pseudonymizer(VendorName.MIXPANEL, moment)
        assert pseudonymizer is not None
        return pseudonymizer.pseudonym(
            "usr_1", purpose="user", data_class="identifier.user", encoding=alphanumeric
        )

    assert pseudonym(YEAR_2026 - 1) == pseudonym(1_577_836_800)
    assert pseudonym(YEAR_2026) != pseudonym(YEAR_2026 - 1)


GOOD = version("a", "2020-01-01T00:00:00Z")


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        (b"", "is not JSON"),
        (b"\xff\xfe", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"[]", "valid dictionary"),
        (b"{}", "versions: Field required"),
        (b'{"versions": []}', "at least 1 item"),
        (b'{"versions": [], "versions": []}', "a name stands twice"),
        ({"versions": [GOOD], "comment": "x"}, "(unknown name): Extra inputs"),
        ({"versions": [GOOD | {"note": "x"}]}, "versions.0.(unknown name): Extra inputs"),
        ({"versions": [{"id": "a", "key": key("a")}]}, "versions.0.not_before: Field required"),
        ({"versions": [GOOD | {"id": "A key"}]}, "versions.0.id"),
        ({"versions": [GOOD | {"id": "a\n"}]}, "versions.0.id"),
        ({"versions": [GOOD | {"id": 7}]}, "versions.0.id: Input should be a valid string"),
        ({"versions": [GOOD | {"not_before": "2020-01-01"}]}, "versions.0.not_before: is not a time in UTC"),
        ({"versions": [GOOD | {"not_before": "2020-01-01T00:00:00"}]}, "is not a time in UTC"),
        ({"versions": [GOOD | {"not_before": "2020-01-01T00:00:00+02:00"}]}, "is not a time in UTC"),
        ({"versions": [GOOD | {"not_before": 0}]}, "versions.0.not_before"),
        ({"versions": [GOOD | {"key": 7}]}, "versions.0.key"),
        ({"versions": [GOOD | {"key": ""}]}, "the key has 0 bytes"),
        ({"versions": [GOOD | {"key": "%%%%"}]}, "the key is not base64"),
        ({"versions": [GOOD | {"key": key("a") + "\n"}]}, "the key is not base64"),
        ({"versions": [GOOD | {"key": "ключ"}]}, "the key is not base64"),
        ({"versions": [GOOD | {"key": b64encode(bytes(range(31))).decode()}]}, "the key has 31 bytes"),
        ({"versions": [GOOD | {"key": b64encode(b"\x00" * 32).decode()}]}, "the key is not random"),
        ({"versions": [GOOD | {"key": b64encode(b"password" * 8).decode()}]}, "the key is not random"),
        ({"versions": [GOOD, GOOD | {"not_before": "2021-01-01T00:00:00Z"}]}, "has the same key as a"),
        ({"versions": [GOOD, version("b", "2020-01-01T00:00:00Z") | {"id": "a"}]}, "the id is taken"),
        ({"versions": [GOOD, version("b", "2020-01-01T00:00:00Z")]}, "not_before is not later"),
        ({"versions": [GOOD, version("b", "2019-12-31T23:59:59Z")]}, "not_before is not later"),
    ],
)
def test_a_wrong_key_ring_is_refused(tmp_path: Path, document: bytes | dict[str, Any], problem: str) -> None:
    path = tmp_path / "keyring.json"
    path.write_bytes(document if isinstance(document, bytes) else json.dumps(document).encode())
    with pytest.raises(KeyRingError) as refusal:
        KeyRing.load(path)
    assert problem in str(refusal.value)
    assert str(path) in str(refusal.value)


def test_every_mistake_is_named_at_once(tmp_path: Path) -> None:
    path = ring_file(
        tmp_path,
        GOOD | {"key": "short"},
        version("a", "2019-01-01T00:00:00Z") | {"key": b64encode(b"\x01" * 32).decode()},
    )
    with pytest.raises(KeyRingError) as refusal:
        KeyRing.load(path)
    assert len(str(refusal.value).splitlines()) == 4


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KeyRingError, match="cannot be read: No such file"):
        KeyRing.load(tmp_path / "keyring.json")


def test_a_mounted_secret_is_read_whatever_its_mode(tmp_path: Path) -> None:
    # Kubernetes mounts secrets through links, mode 0644.
    target = ring_file(tmp_path, GOOD)
    target.chmod(0o644)
    link = tmp_path / "mounted"
    link.symlink_to(target)
    assert [each.id for each in KeyRing.load(link).versions] == ["a"]


def test_no_error_tells_what_the_file_holds(tmp_path: Path) -> None:
    secret = "k3y-m4terial-in-the-wrong-place"
    documents: list[Any] = [
        {"versions": [GOOD | {"key": secret}]},
        {"versions": [GOOD | {"id": secret.upper()}]},
        {"versions": [GOOD | {"not_before": secret}]},
        {"versions": [GOOD | {secret: 1}]},
        {secret: GOOD},
        secret,
    ]
    for document in documents:
        path = tmp_path / "keyring.json"
        path.write_text(json.dumps(document))
        with pytest.raises(KeyRingError) as refusal:
            KeyRing.load(path)
        assert secret not in str(refusal.value).lower()
        assert refusal.value.__suppress_context__ or refusal.value.__context__ is None


def test_key_bytes_show_in_no_repr_and_are_not_pickled(two_versions: KeyRing) -> None:
    pseudonymizer = two_versions.pseudonymizer(VendorName.MIXPANEL, YEAR_2026)
    assert pseudonymizer is not None
    pseudonymizer.pseudonym("x", purpose="user", data_class="identifier.user", encoding=alphanumeric)
    for holder in (two_versions, *two_versions.versions, pseudonymizer):
        assert repr(holder).removeprefix(f"<{type(holder).__name__} ") in {"old, new>", "old>", "new>"}
        for serialize in (pickle.dumps, copy.copy, copy.deepcopy):
            with pytest.raises(TypeError, match="not pickled"):
                serialize(holder)


def test_a_generated_key_ring_covers_all_events_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "keyring.json"
    generate(path)
    ring = KeyRing.load(path)
    assert ring.version_at(0) is ring.versions[0]
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["keyring.json"]


def test_two_generated_key_rings_differ(tmp_path: Path) -> None:
    generate(tmp_path / "one.json")
    generate(tmp_path / "two.json")
    assert (tmp_path / "one.json").read_bytes() != (tmp_path / "two.json").read_bytes()


def test_generate_leaves_an_existing_file_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "keyring.json"
    path.write_text("precious")
    with pytest.raises(KeyRingError, match="exists already"):
        generate(path)
    assert path.read_text() == "precious"
    assert list(tmp_path.iterdir()) == [path]


def test_generate_says_when_it_cannot_write(tmp_path: Path) -> None:
    with pytest.raises(KeyRingError, match="cannot be written: No such file"):
        generate(tmp_path / "missing" / "keyring.json")
