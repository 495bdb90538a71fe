"""The key ring file, the derivation and what must never show."""

import copy
import json
import pickle
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from service.errors import KeyRingError
from service.policy.vendor_names import VendorName
from service.pseudonyms.encodings import alphanumeric
from service.pseudonyms.key_life import generate
from service.pseudonyms.key_storage import PLAIN
from service.pseudonyms.key_version import KeyVersion, hkdf_sha256
from service.pseudonyms.keyring import KeyRing
from service.pseudonyms.keyring_file import encode

YEAR_2026 = 1_767_225_600


def key(name: str) -> str:
    return b64encode(sha256(name.encode()).digest()).decode()


def version(name: str, not_before: str, vendor: VendorName | None = None) -> dict[str, Any]:
    own = {} if vendor is None else {"vendor": vendor.value}
    return {"id": name, "not_before": not_before, "key": key(name)} | own


def destroyed(name: str, not_before: str, vendor: VendorName | None = None) -> dict[str, Any]:
    whole = version(name, not_before, vendor)
    del whole["key"]
    return whole | {"destroyed": "2026-05-01T00:00:00Z"}


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
        moment: getattr(two_versions.version_at(VendorName.GA4, moment), "id", None)
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
OWN = version("m", "2021-01-01T00:00:00Z", VendorName.MIXPANEL)


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
        ({"versions": [GOOD, OWN | {"not_before": GOOD["not_before"]}]}, "versions.1 (m): not_before is not"),
        (
            {"versions": [OWN | {"not_before": "2019-01-01T00:00:00Z"}, GOOD, OWN]},
            "versions.2 (m): the id is",
        ),
        ({"versions": [GOOD, OWN, OWN | {"id": "n", "key": key("n")}]}, "versions.2 (n): not_before is not"),
        (
            {"versions": [GOOD, OWN, OWN | {"id": "n", "vendor": "ga4"}]},
            "versions.2 (n): has the same key as m",
        ),
        ({"versions": [GOOD, OWN, version("b", OWN["not_before"])]}, "versions.2 (b): not_before is not"),
        ({"versions": [GOOD | {"vendor": "acme"}]}, "versions.0.vendor: Input should be 'mixpanel'"),
        ({"versions": [GOOD | {"vendor": 7}]}, "versions.0.vendor"),
        ({"versions": [{"id": "a", "not_before": "2020-01-01T00:00:00Z"}]}, "(a): has no key, and is not"),
        ({"versions": [GOOD | {"key": None}]}, "(a): has no key, and is not destroyed"),
        ({"versions": [GOOD | {"destroyed": "2021-01-01T00:00:00Z"}]}, "(a): is destroyed, and has a key"),
        ({"versions": [GOOD | {"destroyed": "yes"}]}, "versions.0.destroyed: is not a time in UTC"),
        ({"versions": [GOOD | {"created": "2020-01-01"}]}, "versions.0.created: is not a time in UTC"),
        ({"versions": [GOOD | {"destroy_after": 1}]}, "versions.0.destroy_after"),
        ({"versions": [GOOD | {"wrapped": key("w")}]}, "(a): the key is wrapped: --kek"),
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
        {"versions": [GOOD | {"vendor": secret}]},
        {"versions": [GOOD | {"destroyed": secret}]},
        {"versions": [GOOD | {"wrapped": secret}]},
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
    assert ring.version_at(VendorName.GA4, 0) is ring.versions[0]
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


def test_vendors_versions_may_begin_together(tmp_path: Path) -> None:
    path = ring_file(
        tmp_path,
        GOOD,
        version("m", "2021-01-01T00:00:00Z", VendorName.MIXPANEL),
        version("g", "2021-01-01T00:00:00Z", VendorName.GA4),
    )
    ring = KeyRing.load(path)
    chosen = {vendor: ring.version_at(vendor, YEAR_2026).id for vendor in VendorName}  # type: ignore[union-attr]
    assert chosen == dict.fromkeys(VendorName, "a") | {VendorName.MIXPANEL: "m", VendorName.GA4: "g"}


def test_a_destroyed_version_keeps_its_place_and_gives_nothing(tmp_path: Path) -> None:
    path = ring_file(
        tmp_path, GOOD, destroyed("b", "2021-01-01T00:00:00Z"), version("c", "2022-01-01T00:00:00Z")
    )
    ring = KeyRing.load(path)
    moments = (1_577_836_800, 1_609_459_199, 1_609_459_200, 1_640_995_199, 1_640_995_200)
    assert [ring.version_at(VendorName.GA4, each).id for each in moments] == ["a", "a", "b", "b", "c"]  # type: ignore[union-attr]
    assert [ring.pseudonymizer(VendorName.GA4, each) is None for each in moments] == [
        False, False, True, True, False,
    ]  # fmt: skip
    with pytest.raises(AssertionError):
        ring.versions[1].derive(VendorName.GA4, "user")


# What the definition says, a second at a time: the last that has begun, of those for the vendor.
MOMENTS = range(12)


def tag(name: str) -> bytes:
    return sha256(name.encode()).digest()


@st.composite
def rings(draw: st.DrawFn) -> KeyRing:
    """Versions for all and for single vendors, some of them destroyed, that begin at some of the moments."""
    versions = []
    for moment in MOMENTS:
        owners: list[VendorName | None] = draw(
            st.one_of(st.just([]), st.just([None]), st.lists(st.sampled_from(VendorName), unique=True))
        )
        for owner in owners:
            name = f"{owner or 'all'}-{moment}"
            gone = draw(st.integers(0, 3)) == 0
            versions.append(
                KeyVersion(
                    name, moment, None if gone else tag(name), vendor=owner, destroyed=5 if gone else None
                )
            )
    return KeyRing(tuple(versions))


def pseudonyms(ring: KeyRing, vendor: VendorName) -> list[str | None]:
    """A vendor's pseudonym of one user at each moment."""
    found: list[str | None] = []
    for moment in MOMENTS:
        keys = ring.pseudonymizer(vendor, moment)
        found.append(
            None
            if keys is None
            else keys.pseudonym("usr_1", purpose="user", data_class="c", encoding=alphanumeric)
        )
    return found


@given(rings())
def test_the_version_is_the_last_that_has_begun_for_the_vendor(ring: KeyRing) -> None:
    for vendor in VendorName:
        for moment in MOMENTS:
            candidates = [
                each for each in ring.versions if each.vendor in (None, vendor) and each.not_before <= moment
            ]
            assert ring.version_at(vendor, moment) is max(
                candidates, key=lambda each: each.not_before, default=None
            )


@given(rings())
def test_within_a_span_no_vendors_version_changes(ring: KeyRing) -> None:
    by_span: dict[int, set[tuple[str | None, ...]]] = {}
    for moment in MOMENTS:
        chosen = tuple(getattr(ring.version_at(vendor, moment), "id", None) for vendor in VendorName)
        by_span.setdefault(ring.span_at(moment), set()).add(chosen)
    assert all(len(each) == 1 for each in by_span.values())
    assert max(by_span) < ring.spans


@given(rings(), st.sampled_from(MOMENTS), st.sampled_from([None, *VendorName]))
def test_a_new_version_changes_nothing_of_others_nor_before_it(
    ring: KeyRing, moment: int, owner: VendorName | None
) -> None:
    taken = [each.vendor for each in ring.versions if each.not_before == moment]
    assume(not taken or (owner is not None and not {None, owner} & {*taken}))
    new = KeyVersion("new", moment, tag("new"), vendor=owner)
    more = KeyRing(tuple(sorted((*ring.versions, new), key=lambda each: each.not_before)))
    for vendor in VendorName:
        before, after = pseudonyms(ring, vendor), pseudonyms(more, vendor)
        assert after[:moment] == before[:moment]
        if owner in (None, vendor):
            assert after[moment] not in before
        else:
            assert after == before


@given(rings())
def test_a_ring_is_read_as_it_was_written(ring: KeyRing) -> None:
    assume(ring.versions)
    assert KeyRing.unpack(ring.pack()).checks == ring.checks


def test_a_check_tells_versions_apart() -> None:
    first = KeyVersion("a", 1, tag("a"))
    others = [
        KeyVersion("b", 1, tag("a")),
        KeyVersion("a", 2, tag("a")),
        KeyVersion("a", 1, tag("b")),
        KeyVersion("a", 1, tag("a"), vendor=VendorName.GA4),
        first.without_key(9),
    ]
    assert len({each.check for each in (first, *others)}) == 6
    assert first.needed_until(9).check == first.check


def test_everything_that_a_version_is_survives_the_file(tmp_path: Path) -> None:
    ring = KeyRing(
        (
            KeyVersion("a", 0, tag("a"), created=5, destroy_after=9),
            KeyVersion("b", 3, None, created=6, destroyed=7),
            KeyVersion("c", 4, tag("c"), vendor=VendorName.GA4),
        )
    )
    path = tmp_path / "keyring.json"
    path.write_bytes(encode(ring.versions, PLAIN))
    fields = [name for name in KeyVersion.__slots__ if name != "_key"]
    loaded = KeyRing.load(path)
    assert [[getattr(each, name) for name in fields] for each in loaded.versions] == [
        [getattr(each, name) for name in fields] for each in ring.versions
    ]
    assert loaded.checks == ring.checks


IN_USE = (KeyVersion("a", 0, tag("a")), KeyVersion("b", 100, tag("b"), vendor=VendorName.GA4))


@pytest.mark.parametrize(
    ("versions", "broken"),
    [
        (IN_USE, []),
        ((*IN_USE, KeyVersion("c", 200, tag("c"))), []),
        ((IN_USE[0].without_key(150), IN_USE[1].needed_until(300)), []),
        ((IN_USE[0],), ["b is gone"]),
        ((KeyVersion("a", 0, tag("x")), IN_USE[1]), ["a is another one"]),
        ((IN_USE[0], KeyVersion("b", 101, tag("b"), vendor=VendorName.GA4)), ["b is another one"]),
        ((IN_USE[0], KeyVersion("b", 100, tag("b"))), ["b is another one"]),
        ((IN_USE[0], KeyVersion("b", 101, None, vendor=VendorName.GA4, destroyed=5)), ["b is another one"]),
        ((*IN_USE, KeyVersion("c", 149, tag("c"))), ["c is new and begins in the past"]),
        ((KeyVersion("z", 150, tag("z")),), ["a is gone", "b is gone"]),
    ],
)
def test_what_may_take_the_place_of_keys_in_use(versions: tuple[KeyVersion, ...], broken: list[str]) -> None:
    assert list(KeyRing(versions).broken_promises(KeyRing(IN_USE), oldest_start=150)) == broken


def test_a_destroyed_version_does_not_come_back() -> None:
    ring, gone = KeyRing(IN_USE), KeyRing((IN_USE[0].without_key(5), IN_USE[1]))
    assert ring.broken_promises(gone, oldest_start=0) == ["a is another one"]
