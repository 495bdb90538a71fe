"""What a running worker does with a key ring file that changes, whatever it changes to."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from service.events.timestamps import format_timestamp
from service.policy.vendor_names import VendorName
from service.processes.batch_size import BatchSize
from service.processes.pool import PoolLimits, SanitizerPool
from service.pseudonyms import key_life
from service.pseudonyms.key_storage import PLAIN, EnvelopeStorage
from service.pseudonyms.keyring import KeyRing
from service.sanitize.config import SanitizerConfig
from service.settings import Settings
from service.streaming.keyring_watch import LATEST, KeyRingWatch


class Watched:
    """A key ring file, and the watch of a pool that has begun with it and starts no process."""

    def __init__(self, folder: Path, kek: Path | None = None) -> None:
        self.file = folder / "keyring.json"
        self.now = int(time.time())
        if not self.file.exists():
            key_life.generate(self.file)
        config = SanitizerConfig(folder, self.file, "none", kek_file=kek)
        self.pool = SanitizerPool(config, PoolLimits.of(Settings()), processes=1, batch_size=BatchSize(500))
        self.pool.take_keys(config.load_keyring())
        self._watch = KeyRingWatch(self.file, kek, self.pool)
        assert self.look() == []

    def look(self) -> list[Any]:
        """Look once; the log lines."""
        with capture_logs() as lines:
            self._watch.look()
        return lines

    def refused(self) -> str:
        """Look, and be refused once; the reason. Another look at the same says nothing more."""
        keys, before = self.pool.keyring, reloads("refused")
        (line,) = self.look()
        assert self.look() == []
        assert (line["event"], line["log_level"]) == ("keyring_refused", "error")
        assert reloads("refused") - before == 1
        assert stale() == 1
        assert self.pool.keyring is keys
        return f"{line['reason']}: {line['detail']}"

    def taken(self) -> list[str]:
        """Look, and take the file up; the versions."""
        before = reloads("loaded")
        (line,) = self.look()
        assert self.look() == []
        assert (line["event"], line["log_level"]) == ("keyring_loaded", "info")
        assert reloads("loaded") - before == 1
        assert stale() == 0
        assert line["versions"] == [version.id for version in self.pool.keyring.versions]
        found: list[str] = line["versions"]
        return found

    def add(self, ahead: int = 3600, **options: Any) -> None:
        key_life.add(self.file, PLAIN, begin=self.now + ahead, now=self.now, **options)

    def edit(self, **changes: str | None) -> None:
        """Change the last version by hand."""
        document = json.loads(self.file.read_text())
        document["versions"][-1] |= changes
        self.file.write_text(json.dumps(document))


def reloads(result: str) -> float:
    return REGISTRY.get_sample_value("weir_keyring_reloads_total", {"result": result}) or 0.0


def stale() -> float:
    found = REGISTRY.get_sample_value("weir_keyring_stale")
    assert found is not None
    return found


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    return Watched(tmp_path)


def test_new_versions_are_taken_up(watched: Watched) -> None:
    watched.add()
    assert watched.taken() == ["k1", "k2"]
    watched.add(7200, vendor=VendorName.GA4)
    assert watched.taken() == ["k1", "k2", "k3"]
    assert watched.pool.keyring.checks == KeyRing.load(watched.file).checks


def test_a_destroyed_version_is_taken_up(watched: Watched) -> None:
    key_life.destroy(watched.file, PLAIN, "k1", now=watched.now, needed=True)
    assert watched.taken() == ["k1"]
    assert watched.pool.keyring.pseudonymizer(VendorName.GA4, watched.now) is None


@pytest.mark.parametrize("content", [b"", b"{", b'{"versions": []}', b"\xff"])
def test_a_file_that_is_no_key_ring_changes_nothing(watched: Watched, content: bytes) -> None:
    good = watched.file.read_bytes()
    watched.file.write_bytes(content)
    assert watched.refused().startswith(f"invalid: {watched.file}: ")
    watched.file.write_bytes(good)
    assert watched.taken() == ["k1"]


def test_a_file_that_is_gone_changes_nothing(watched: Watched, tmp_path: Path) -> None:
    aside = watched.file.rename(tmp_path / "aside")
    assert watched.refused() == f"unreadable: {watched.file}: cannot be read: No such file or directory"
    aside.rename(watched.file)
    assert watched.taken() == ["k1"]


def test_every_mistake_is_in_the_one_line_and_no_content(watched: Watched) -> None:
    watched.add()
    secret = json.loads(watched.file.read_text())["versions"][-1]["key"]
    watched.edit(key=secret[:-8], id="k1")
    said = watched.refused()
    assert "versions.1 (k1): the key" in said
    assert "versions.1 (k1): the id is taken" in said
    assert secret[:8] not in said


def test_a_version_in_use_is_neither_changed_nor_dropped(watched: Watched, tmp_path: Path) -> None:
    watched.add()
    assert watched.taken() == ["k1", "k2"]
    good = watched.file.read_bytes()
    key_life.generate(tmp_path / "other.json")
    watched.file.write_bytes((tmp_path / "other.json").read_bytes())
    assert watched.refused() == "changed: k1 is another one; k2 is gone"
    watched.file.write_bytes(good)
    assert watched.taken() == ["k1", "k2"]
    watched.edit(not_before="2098-01-01T00:00:00Z")
    assert watched.refused() == "changed: k2 is another one"


def test_a_version_that_begins_in_the_past_is_refused(watched: Watched) -> None:
    watched.add()
    watched.edit(not_before=format_timestamp(watched.now - LATEST - 60))
    assert watched.refused() == "changed: k2 is new and begins in the past"
    watched.edit(not_before=format_timestamp(watched.now - LATEST + 600))
    assert watched.taken() == ["k1", "k2"]


def test_what_is_only_written_otherwise_is_nothing_new(watched: Watched) -> None:
    watched.file.write_text(json.dumps(json.loads(watched.file.read_text())))
    keys = watched.pool.keyring
    assert watched.look() == []
    assert watched.pool.keyring is keys


def test_a_link_that_is_swapped_is_followed(tmp_path: Path) -> None:
    """As Kubernetes does with a Secret: the file is a link into a folder that is a link."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    key_life.generate(tmp_path / "one" / "keyring.json")
    (tmp_path / "data").symlink_to("one")
    (tmp_path / "keyring.json").symlink_to("data/keyring.json")
    watched = Watched(tmp_path)
    two = tmp_path / "two" / "keyring.json"
    two.write_bytes((tmp_path / "one" / "keyring.json").read_bytes())
    key_life.add(two, PLAIN, begin=watched.now + 3600, now=watched.now)
    (tmp_path / "new").symlink_to("two")
    (tmp_path / "new").rename(tmp_path / "data")
    assert watched.taken() == ["k1", "k2"]


def test_another_key_encrypting_key(tmp_path: Path) -> None:
    kek, new = tmp_path / "kek", tmp_path / "new"
    for each in (kek, new):
        key_life.generate_kek(each)
    key_life.generate(tmp_path / "keyring.json", EnvelopeStorage.load(kek))
    watched = Watched(tmp_path, kek)
    key_life.rewrap(watched.file, EnvelopeStorage.load(kek), EnvelopeStorage.load(new))
    assert "can't be opened" in watched.refused()
    kek.write_bytes(new.read_bytes())
    assert watched.taken() == ["k1"]
    kek.write_bytes(b"")
    assert "is no key-encrypting key" in watched.refused()
