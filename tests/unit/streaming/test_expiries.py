"""The end of Weir's certificate and the beginnings of key versions, as metrics."""

import json
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_bytes

import pytest
from cryptography import x509
from prometheus_client import REGISTRY, generate_latest

from service.observability import metrics
from service.policy.vendor_names import VendorName
from service.pseudonyms.keyring import KeyRing
from service.settings import Settings
from service.streaming.expiries import KeyVersions, certificate_end, observe_expiries
from tests.certificates import Authority

BEGINNINGS = {"k1": "1970-01-01T00:00:00Z", "k2": "2026-01-01T00:00:00Z", "k3": "2027-01-01T00:00:00Z"}
STARTS = {name: datetime.fromisoformat(text).timestamp() for name, text in BEGINNINGS.items()}


@pytest.fixture
def keyring(tmp_path: Path) -> Path:
    path = tmp_path / "keyring.json"
    versions = [
        {"id": name, "not_before": text, "key": b64encode(token_bytes(32)).decode()}
        for name, text in BEGINNINGS.items()
    ]
    path.write_text(json.dumps({"versions": versions}), encoding="ascii")
    return path


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    yield
    for gauge in (metrics.CERTIFICATE_END, metrics.KEY_VERSION_START, metrics.NEXT_KEY_VERSION_START):
        gauge.read_from(dict)


@pytest.mark.parametrize(
    ("now", "in_force", "coming"),
    [
        (STARTS["k1"] - 1, None, "k1"),
        (STARTS["k2"] - 1, "k1", "k2"),
        (STARTS["k2"], "k2", "k3"),
        (STARTS["k3"], "k3", None),
    ],
)
def test_key_versions(keyring: Path, now: float, in_force: str | None, coming: str | None) -> None:
    ring = KeyRing.load(keyring)
    versions = KeyVersions(lambda: ring, lambda: now)
    assert versions.in_force() == {(each, in_force): STARTS[in_force] for each in VendorName if in_force}
    assert versions.next() == {(each, coming): STARTS[coming] for each in VendorName if coming}


def test_a_version_of_one_vendor_is_told_of_it_alone(keyring: Path, tmp_path: Path) -> None:
    stored = json.loads(keyring.read_text(encoding="ascii"))
    own = {
        "id": "own",
        "vendor": "ga4",
        "not_before": "2026-06-01T00:00:00Z",
        "key": b64encode(token_bytes(32)).decode(),
    }
    stored["versions"].insert(2, own)
    file = tmp_path / "rotated.json"
    file.write_text(json.dumps(stored), encoding="ascii")
    ring = KeyRing.load(file)
    start = next(version.not_before for version in ring.versions if version.id == "own")
    before = KeyVersions(lambda: ring, lambda: start - 1)
    assert before.next() == {
        (each, name): start if name == "own" else STARTS["k3"]
        for each in VendorName
        for name in ["own" if each is VendorName.GA4 else "k3"]
    }
    assert KeyVersions(lambda: ring, lambda: start).in_force()["ga4", "own"] == start


def test_a_destroyed_version_is_not_in_force(tmp_path: Path) -> None:
    file = tmp_path / "keyring.json"
    gone = {"id": "k1", "not_before": BEGINNINGS["k1"], "destroyed": BEGINNINGS["k2"]}
    file.write_text(json.dumps({"versions": [gone]}), encoding="ascii")
    ring = KeyRing.load(file)
    assert KeyVersions(lambda: ring, lambda: STARTS["k2"]).in_force() == {}


def test_the_end_of_the_first_certificate(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "authority")
    own = authority.issue("weir")
    chain = tmp_path / "chain.pem"
    chain.write_bytes(own.certificate.read_bytes() + authority.certificate.read_bytes())
    end = x509.load_pem_x509_certificate(own.certificate.read_bytes()).not_valid_after_utc
    assert end > datetime.now(UTC)
    assert certificate_end(chain) == {(): end.timestamp()}


def test_a_certificate_that_only_openssl_can_read_is_no_reason_not_to_start(tmp_path: Path) -> None:
    file = tmp_path / "certificate.pem"
    file.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", encoding="ascii")
    assert certificate_end(file) == {}


def test_what_a_scrape_tells(tmp_path: Path, keyring: Path) -> None:
    own = Authority(tmp_path, "authority").issue("weir")
    ring = KeyRing.load(keyring)
    observe_expiries(Settings(), lambda: ring)
    assert REGISTRY.get_sample_value("weir_certificate_end_timestamp_seconds") is None
    observe_expiries(Settings(tls_certificate_file=own.certificate), lambda: ring)
    end = REGISTRY.get_sample_value("weir_certificate_end_timestamp_seconds")
    assert {(): end} == certificate_end(own.certificate)
    samples = [sample for family in metrics.KEY_VERSION_START.collect() for sample in family.samples]
    assert len(samples) == len(VendorName)
    assert all(sample.value == STARTS[sample.labels["version"]] for sample in samples)
    text = generate_latest(REGISTRY).decode()
    for version in json.loads(keyring.read_text(encoding="ascii"))["versions"]:
        assert version["key"] not in text
