"""What may be done to a key ring, and what must not happen to its file meanwhile."""

import json
import threading
from pathlib import Path

import pytest

from service.errors import KeyRingError
from service.policy.vendor_names import VendorName
from service.pseudonyms import key_life
from service.pseudonyms.key_life import DAY, TAKE_UP, State
from service.pseudonyms.key_storage import PLAIN
from service.pseudonyms.key_version import KeyVersion
from service.pseudonyms.keyring import KeyRing

NOW = 1_767_225_600
SOON = NOW + TAKE_UP


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "keyring.json"
    key_life.generate(path, created=NOW)
    return path


def key(name: str) -> bytes:
    return name.encode() + bytes(range(32))


def ids(path: Path) -> list[str]:
    return [version.id for version in KeyRing.load(path).versions]


def test_a_version_is_added_in_its_place(path: Path) -> None:
    key_life.add(path, PLAIN, begin=SOON + 100, now=NOW)
    key_life.add(path, PLAIN, begin=SOON, now=NOW, vendor=VendorName.GA4)
    key_life.add(path, PLAIN, begin=SOON + 50, now=NOW, version_id="spring")
    assert ids(path) == ["k1", "k3", "spring", "k2"]
    ring = KeyRing.load(path)
    assert [version.created for version in ring.versions] == [NOW] * 4
    assert ring.version_at(VendorName.GA4, SOON) is ring.versions[1]
    assert ring.version_at(VendorName.MIXPANEL, SOON) is ring.versions[0]


def test_a_free_id_is_found_whatever_is_taken(path: Path) -> None:
    key_life.add(path, PLAIN, begin=SOON, now=NOW, version_id="k3")
    assert key_life.add(path, PLAIN, begin=SOON + 1, now=NOW).id == "k4"


@pytest.mark.parametrize("begin", [0, NOW - 1, NOW, SOON - 1])
def test_a_beginning_that_workers_may_miss_is_refused(path: Path, begin: int) -> None:
    before = path.read_bytes()
    with pytest.raises(KeyRingError, match="less than 10 minutes ahead"):
        key_life.add(path, PLAIN, begin=begin, now=NOW)
    assert path.read_bytes() == before


def test_the_wish_to_begin_at_once_is_granted(path: Path) -> None:
    assert key_life.add(path, PLAIN, begin=None, now=NOW).not_before == NOW
    assert ids(path) == ["k1", "k2"]


@pytest.mark.parametrize(
    ("version_id", "problem"),
    [("K2", "lower-case"), ("x" * 33, "lower-case"), ("-a", "lower-case"), ("k1", "the id is taken")],
)
def test_a_wrong_id_is_refused(path: Path, version_id: str, problem: str) -> None:
    before = path.read_bytes()
    with pytest.raises(KeyRingError, match=problem):
        key_life.add(path, PLAIN, begin=SOON, now=NOW, version_id=version_id)
    assert path.read_bytes() == before


def test_two_versions_of_a_vendor_never_begin_together(path: Path) -> None:
    key_life.add(path, PLAIN, begin=SOON, now=NOW, vendor=VendorName.GA4)
    for vendor in (None, VendorName.GA4):
        with pytest.raises(KeyRingError, match="not_before is not later"):
            key_life.add(path, PLAIN, begin=SOON, now=NOW, vendor=vendor)
    key_life.add(path, PLAIN, begin=SOON, now=NOW, vendor=VendorName.SEGMENT)
    assert ids(path) == ["k1", "k2", "k3"]


def test_a_change_keeps_mode_and_link_and_leaves_nothing_behind(tmp_path: Path, path: Path) -> None:
    path.chmod(0o640)
    link = tmp_path / "link.json"
    link.symlink_to(path)
    key_life.add(link, PLAIN, begin=SOON, now=NOW)
    assert link.is_symlink()
    assert path.stat().st_mode & 0o777 == 0o640
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["keyring.json", "link.json"]


def test_there_is_a_whole_file_at_every_moment(path: Path) -> None:
    done = threading.Event()
    seen: set[int] = set()

    def look() -> None:
        while not done.is_set():
            seen.add(len(KeyRing.load(path).versions))

    reader = threading.Thread(target=look)
    reader.start()
    try:
        for number in range(30):
            key_life.add(path, PLAIN, begin=SOON + number, now=NOW)
    finally:
        done.set()
        reader.join()
    assert ids(path) == [f"k{number}" for number in range(1, 32)]
    assert len(seen) > 1


def test_of_two_changes_at_once_one_is_refused(path: Path) -> None:
    draft = path.with_name(".keyring.json.new")
    draft.write_text("another's")
    with pytest.raises(KeyRingError, match="another change is at work"):
        key_life.add(path, PLAIN, begin=SOON, now=NOW)
    assert draft.read_text() == "another's"
    assert ids(path) == ["k1"]


def test_a_wrong_file_is_not_changed(path: Path) -> None:
    path.write_text("{}")
    with pytest.raises(KeyRingError, match="versions: Field required"):
        key_life.add(path, PLAIN, begin=SOON, now=NOW)
    assert path.read_text() == "{}"
    assert list(path.parent.iterdir()) == [path]


def test_a_version_is_retired_once_another_follows(path: Path) -> None:
    with pytest.raises(KeyRingError, match="k1 has no end yet"):
        key_life.retire(path, PLAIN, "k1", SOON + 5 * DAY)
    key_life.add(path, PLAIN, begin=SOON, now=NOW)
    with pytest.raises(KeyRingError, match="is for events to 2026-01-01T00:10:00Z"):
        key_life.retire(path, PLAIN, "k1", SOON - 1)
    checks = KeyRing.load(path).checks
    key_life.retire(path, PLAIN, "k1", SOON + 5 * DAY)
    ring = KeyRing.load(path)
    assert ring.versions[0].destroy_after == SOON + 5 * DAY
    assert ring.checks == checks


def test_only_what_is_past_and_due_is_destroyed(path: Path) -> None:
    key_life.add(path, PLAIN, begin=SOON, now=NOW)
    key_life.add(path, PLAIN, begin=SOON + DAY, now=NOW)
    for version_id, now, said in (
        ("k1", NOW, "k1 is in force"),
        ("k2", NOW, "k2 is future"),
        ("k2", SOON, "k2 is in force"),
    ):
        with pytest.raises(KeyRingError, match=said):
            key_life.destroy(path, PLAIN, version_id, now=now, needed=False)
    key_life.retire(path, PLAIN, "k1", SOON + 5)
    with pytest.raises(KeyRingError, match="k1 is needed until 2026-01-01T00:10:05Z"):
        key_life.destroy(path, PLAIN, "k1", now=SOON + 4, needed=False)
    before = json.loads(path.read_text())["versions"]
    key_life.destroy(path, PLAIN, "k1", now=SOON + 5, needed=False)
    after = json.loads(path.read_text())["versions"]
    assert after[1:] == before[1:]
    assert after[0] == {
        "id": "k1",
        "not_before": "1970-01-01T00:00:00Z",
        "created": "2026-01-01T00:00:00Z",
        "destroyed": "2026-01-01T00:10:05Z",
    }
    assert before[0]["key"] not in path.read_text()


def test_what_is_needed_is_destroyed_for_whoever_insists(path: Path) -> None:
    key_life.destroy(path, PLAIN, "k1", now=NOW, needed=True)
    assert KeyRing.load(path).pseudonymizer(VendorName.GA4, NOW) is None


def test_what_is_gone_can_be_neither_destroyed_nor_retired(path: Path) -> None:
    key_life.add(path, PLAIN, begin=SOON, now=NOW)
    key_life.destroy(path, PLAIN, "k1", now=NOW, needed=True)
    with pytest.raises(KeyRingError, match="k1 was destroyed at 2026-01-01T00:00:00Z"):
        key_life.destroy(path, PLAIN, "k1", now=NOW, needed=True)
    with pytest.raises(KeyRingError, match="k1 was destroyed"):
        key_life.retire(path, PLAIN, "k1", SOON)
    with pytest.raises(KeyRingError, match="no such version"):
        key_life.destroy(path, PLAIN, "k9", now=NOW, needed=True)


def ring(*versions: KeyVersion) -> KeyRing:
    return KeyRing(versions)


K1 = KeyVersion("k1", 0, key("1"), created=0)


@pytest.mark.parametrize(
    ("others", "states"),
    [
        ([], [State.IN_FORCE]),
        ([KeyVersion("k2", NOW + 1, key("2"))], [State.IN_FORCE, State.FUTURE]),
        ([KeyVersion("k2", NOW, key("2"))], [State.PAST, State.IN_FORCE]),
        # A vendor's own ends nothing for the others; one for all ends the vendor's.
        ([KeyVersion("m", NOW, key("m"), vendor=VendorName.GA4)], [State.IN_FORCE, State.IN_FORCE]),
        (
            [KeyVersion("m", 5, key("m"), vendor=VendorName.GA4), KeyVersion("k2", NOW, None, destroyed=NOW)],
            [State.PAST, State.PAST, State.DESTROYED],
        ),
        (
            [
                KeyVersion("m", 5, key("m"), vendor=VendorName.GA4),
                KeyVersion("n", 6, key("n"), vendor=VendorName.SEGMENT),
            ],
            [State.IN_FORCE, State.IN_FORCE, State.IN_FORCE],
        ),
    ],
)
def test_the_state_of_a_version(others: list[KeyVersion], states: list[State]) -> None:
    whole = ring(K1, *others)
    assert [key_life.state_of(whole, version, NOW) for version in whole.versions] == states


YOUNG = KeyVersion("k1", 0, key("1"), created=NOW)


@pytest.mark.parametrize(
    ("versions", "said"),
    [
        ([YOUNG], []),
        ([K1], ["no version for all vendors is younger than 365 days"]),
        ([KeyVersion("k1", NOW - 365 * DAY, key("1"))], []),
        ([KeyVersion("k1", NOW - 365 * DAY - 1, key("1"))], ["no version for all vendors is younger"]),
        ([K1, KeyVersion("m", 9, key("m"), vendor=VendorName.GA4, created=NOW)], ["no version for all"]),
        ([YOUNG, KeyVersion("k2", NOW + 31 * DAY, key("2"))], []),
        (
            [YOUNG, KeyVersion("k2", NOW + 30 * DAY, key("2"))],
            ["k1 ends within 30 days, at 2026-01-31T00:00:00Z: from then on the vendors get new pseudonyms"],
        ),
        (
            [
                YOUNG,
                KeyVersion("m", 9, key("m"), vendor=VendorName.GA4),
                KeyVersion("n", NOW + 1, key("n"), vendor=VendorName.GA4),
            ],
            ["m ends within 30 days, at 2026-01-01T00:00:01Z: from then on ga4 gets new pseudonyms"],
        ),
        ([YOUNG.without_key(NOW)], ["k1 is destroyed and would be in force"]),
        ([YOUNG.without_key(NOW), KeyVersion("k2", NOW, key("2"))], []),
        (
            [YOUNG.needed_until(NOW), KeyVersion("k2", NOW - 9, key("2"))],
            ["k1 is needed no more since 2026-01-01T00:00:00Z: weir keys destroy"],
        ),
        ([YOUNG.needed_until(NOW + 1), KeyVersion("k2", NOW - 9, key("2"))], []),
    ],
)
def test_warnings(versions: list[KeyVersion], said: list[str]) -> None:
    found = list(key_life.warnings(ring(*versions), NOW, days=30))
    assert [len(found), *map(str.startswith, found, said)] == [len(said), *[True] * len(said)]
