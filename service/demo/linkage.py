"""Can two vendors' data be joined? A policy, tried on an invented population."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from service.demo.events import Visit, population
from service.policy.vendor_names import VendorName
from service.privacy.linkage import Linkage, Record, measure
from service.pseudonyms.key_life import generate
from service.sanitize.config import SanitizerConfig
from service.sanitize.outcomes import Sent
from service.sanitize.sanitizer import Sanitizer
from service.settings import Settings

_BATCH = 1_000


def try_policy(
    settings: Settings, config: Path, vendors: frozenset[VendorName], *, users: int, days: int, seed: int
) -> Linkage:
    """Sanitize a population's events by a policy, with keys made for this alone, and measure the result."""
    with TemporaryDirectory(prefix="weir-linkage-") as folder:
        keyring = Path(folder) / "keyring.json"
        generate(keyring)
        sanitizer = SanitizerConfig(
            config, keyring, settings.spacy_model, settings.detection_profile, vendors
        ).load()
    return measure(vendor_records(sanitizer, population(users, days, seed=seed)))


def vendor_records(sanitizer: Sanitizer, visits: list[Visit]) -> Iterator[Record]:
    """What the vendors get of a population's events, and whose each record is."""
    for start in range(0, len(visits), _BATCH):
        batch = visits[start : start + _BATCH]
        result = sanitizer.sanitize([visit.raw for visit in batch])
        for visit, outcomes in zip(batch, result.outcomes, strict=True):
            for outcome in outcomes:
                if isinstance(outcome, Sent):
                    yield Record(outcome.vendor, outcome.value, visit.user)
