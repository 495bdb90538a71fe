"""Small policies of a test's own, and events for them."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any, Final

import orjson
import pytest

from service.detection.detector import Detector
from service.detection.profile import Profile
from service.detection.spans import Span, TextRequest
from service.policy import load
from service.policy.vendor_names import VendorName
from service.pseudonyms.key_version import KeyVersion
from service.pseudonyms.keyring import KeyRing
from service.sanitize.sanitizer import Sanitizer

EVENT: Final = "Report Sent"
#: Seconds since the epoch at which the second of the keys begins.
ROTATION: Final = 1_770_000_000
_INTEGRATIONS: Final = {
    VendorName.MIXPANEL: "Mixpanel",
    VendorName.AMPLITUDE: "Amplitude",
    VendorName.POSTHOG: "PostHog",
    VendorName.SEGMENT: "Segment",
    VendorName.GA4: "Google Analytics 4",
}
_IDS: Final = {
    "messageId": "identifier.event",
    "userId": "identifier.user",
    "anonymousId": "identifier.device",
    "timestamp": "time",
}


@dataclass
class SmallPolicy:
    """A policy of one event with ids, a time, and some fields.

    Attributes:
        fields: Their classes and guards, as written in a tracking plan, by path.
        actions: What all vendors do with these classes.
        identity: Those that name the person, besides the user's id.
        by_vendor: The classes that some vendors treat otherwise, and how.
        event: The event's name.
    """

    fields: Mapping[str, Mapping[str, Any]]
    actions: Mapping[str, Any]
    identity: Sequence[str] = ()
    by_vendor: Mapping[VendorName, Mapping[str, Any]] = field(default_factory=dict)
    event: str = EVENT

    def write(self, folder: Path) -> None:
        """Write its files into a new folder."""
        common = {path: {"class": name} for path, name in _IDS.items()}
        classes = {*_IDS.values(), *(each["class"] for each in self.fields.values())}
        plan = {
            "classes": dict.fromkeys(sorted(classes), "A class."),
            "identity_classes": ["identifier.user", *self.identity],
            "common": common,
            "events": {self.event: dict(self.fields)},
            "calls": {},
        }
        (folder / "vendors").mkdir(parents=True)
        _write(folder / "tracking_plan.yaml", plan)
        for vendor in VendorName:
            actions = {
                **{name: "pseudonymize" for name in _IDS.values() if name != "time"},
                "time": {"generalize": {"time_unit": {"unit": "second"}}},
                **self.actions,
                **self.by_vendor.get(vendor, {}),
            }
            keyed = sorted(name for name, action in actions.items() if "pseudonymize" in str(action))
            _write(
                folder / "vendors" / f"{vendor}.yaml",
                {
                    "vendor": vendor.value,
                    "topic": f"vendor.{vendor}.events",
                    "integration": _INTEGRATIONS[vendor],
                    "consent": {"category": "analytics", "when_absent": "allow"},
                    "events": [self.event],
                    "calls": [],
                    "breaker": {"gate_hits": 10, "per_events": 1000, "close_after": "1h"},
                    "actions": actions,
                    "key_purposes": {name: name.rpartition(".")[2] for name in keyed},
                },
            )


def _write(file: Path, content: Mapping[str, Any]) -> None:
    file.write_text(json.dumps(content), encoding="utf-8")  # any JSON is YAML


class AskedDetector(Detector):
    """The detector with rules alone, which notes what it is asked."""

    def __init__(self) -> None:
        super().__init__(profile=Profile.FAST)
        self.asked: list[TextRequest] = []

    def find(self, requests: Sequence[TextRequest]) -> list[tuple[Span, ...]]:
        self.asked += requests
        return super().find(requests)


@pytest.fixture(scope="session")
def asked_detector() -> AskedDetector:
    return AskedDetector()


@pytest.fixture
def detector(asked_detector: AskedDetector) -> AskedDetector:
    """As new: it remembers nothing."""
    asked_detector.forget()
    asked_detector.asked.clear()
    return asked_detector


#: Makes a sanitizer of a small policy; the same policy makes others that have seen nothing yet.
MakeSanitizer = Callable[..., Sanitizer]


@pytest.fixture
def make_sanitizer(tmp_path: Path, detector: AskedDetector) -> MakeSanitizer:
    return partial(_sanitizer, tmp_path, detector, count())


def _sanitizer(
    folder: Path, detector: Detector, numbers: "count[int]", policy: SmallPolicy, **options: int
) -> Sanitizer:
    config = folder / f"config-{next(numbers)}"
    policy.write(config)
    return Sanitizer(load(config), keyring(), detector, **options)


def keyring() -> KeyRing:
    """Two versions, the second from ROTATION on."""
    return KeyRing(
        (
            KeyVersion("k1", 0, sha256(b"first").digest()),
            KeyVersion("k2", ROTATION, sha256(b"second").digest()),
        )
    )


def record(
    properties: Mapping[str, Any] | None = None,
    *,
    event: str = EVENT,
    user: str = "usr_5513xw",
    timestamp: str = "2026-03-04T05:06:07Z",
    **members: Any,
) -> bytes:
    """An event as its sender writes it."""
    return orjson.dumps(
        {
            "type": "track",
            "event": event,
            "messageId": "msg-1",
            "userId": user,
            "anonymousId": "anon-7",
            "timestamp": timestamp,
            "properties": dict(properties or {}),
            **members,
        }
    )
