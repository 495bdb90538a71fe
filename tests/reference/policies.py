"""Random policies: files in which Weir's own loader finds no mistake, and what they say of fields.

Everything is drawn from one `random.Random`, so that a seed stands for a policy.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Final

from service.policy import load
from service.policy.entities import Entity
from service.policy.plan import CompiledPolicy
from service.policy.vendor_checks import NEVER_KEPT
from service.policy.vendor_names import VendorName

Notation = str | dict[str, Any]
Fields = dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class PlannedPolicy:
    """A policy, and its tracking plan as events are made from it.

    Attributes:
        compiled: What the compiler made of it.
        common: The fields of every call, by path: their class and guard, as written.
        events: The tracked events' own fields.
        calls: The other calls' own fields.
        word_lists: The lists that guards name.
        integrations: The vendors' names for senders.
        consents: The categories that vendors ask for.
    """

    compiled: CompiledPolicy
    common: Fields
    events: dict[str, Fields]
    calls: dict[str, Fields]
    word_lists: dict[str, list[str]]
    integrations: list[str]
    consents: list[str]


EVENT_NAMES: Final = (
    "Signed Up",
    "Plan Changed",
    "Page Viewed",
    "error",  # Google keeps it
    "ga_custom",
    "$set",  # PostHog refuses it
    "7 Days Over",
    "Größe geändert",
    "報告",
    "Report " + "very " * 20 + "long",
    "x" * 210,
)
OTHER_CALLS: Final = ("identify", "page", "screen", "group", "alias")

#: What may be under `context`, with the class that suits it.
CONTEXT: Final = {
    "context.ip": "network.ip",
    "context.userAgent": "network.user_agent",
    "context.locale": "locale.language",
    "context.timezone": "category",
    "context.page.url": "web.url",
    "context.page.path": "web.path",
    "context.page.title": "text.short",
    "context.page.referrer": "web.url",
    "context.page.search": "text.short",
    "context.device.id": "identifier.device",
    "context.device.model": "category",
    "context.os.name": "device.platform",
    "context.os.version": "category",
    "context.app.version": "device.platform",
    "context.screen.width": "device.screen",
    "context.screen.height": "device.screen",
    "context.campaign.name": "web.campaign",
    "context.campaign.source": "web.campaign",
    "context.campaign.medium": "web.campaign",
    "context.campaign.term": "web.campaign",
    "context.campaign.content": "web.campaign",
    "context.location.country": "location.country",
    "context.location.region": "location.region",
    "context.location.city": "text.short",
    "context.deep.a.b.c.d": "category",
    "context.deep.a.b.e": "measure",
    "context.traits.plan": "category",
    "context.traits.name": "person.name",
    "context.traits.email": "contact.email",
    "context.traits.seats": "organization.size",
    "context.traits.title": "text.short",
    "context.traits.note": "note",
    "context.traits.born": "person.birth",
    "context.traits.properties.plan": "category",
    "context.traits.first_open_time": "measure",
    "context.traits.a_name_that_is_longer_than_24": "category",
    "context.traits.a_name_that_is_longer_than_it": "category",
}
#: What the schema of Segment's calls refuses, or what its form writes itself.
SEGMENTS: Final = {
    "context.userAgentData": "category",
    "context.userAgentData.platform": "category",
    "context.userAgentData.mobile": "measure",
    "context.direct": "measure",
}
#: What may be under `properties`: many of these names want the place of another field with some vendor.
PROPERTIES: Final = {
    "properties.plan": "category",
    "properties.Plan": "category",
    "properties.PLAN": "category",
    "properties.properties.plan": "category",
    "properties.time": "measure",
    "properties.ip": "network.ip",
    "properties.token": "secret",
    "properties.alias": "text.short",
    "properties.distinct_id": "identifier.object",
    "properties.device_id": "identifier.device",
    "properties.group_id": "identifier.object",
    "properties.previous_id": "identifier.object",
    "properties.language": "locale.language",
    "properties.timezone": "category",
    "properties.browser": "category",
    "properties.browser_os": "category",
    "properties.operating_system": "category",
    "properties.app_version": "device.platform",
    "properties.region": "location.region",
    "properties.country": "location.country",
    "properties.utm_source": "web.campaign",
    "properties.source": "category",
    "properties.screen_width": "device.screen",
    "properties.screen-width": "device.screen",
    "properties.url": "web.url",
    "properties.path": "web.path",
    "properties.title": "text.short",
    "properties.referrer": "web.url",
    "properties.page_title": "text.short",
    "properties.$insert_id": "identifier.object",
    "properties.$os": "category",
    "properties.$set": "category",
    "properties.mp_keyword": "text.short",
    "properties.[Amplitude]x": "category",
    "properties.ga_session_id": "measure",
    "properties.google_x": "category",
    "properties.7days": "measure",
    "properties.größe": "measure",
    "properties.___": "measure",
    "properties.user_id": "identifier.user",
    "properties.comment": "text.long",
    "properties.prompt": "text.long",
    "properties.query": "text.short",
    "properties.note": "note",
    "properties.other_note": "note",
    "properties.stack": "text.long",
    "properties.amount": "measure",
    "properties.ratio": "measure",
    "properties.ok": "measure",
    "properties.scopes": "category",
    "properties.models": "category",
    "properties.code": "category",
    "properties.card": "payment.card",
    "properties.company": "organization.name",
    "properties.seats": "organization.size",
    "properties.at": "time",
    "properties.invited": "contact.email",
    "properties.address.country": "location.country",
    "properties.address.street.name": "text.short",
    "properties.address.street.number": "measure",
    "properties.very.deep.path.that.goes.on": "category",
    "properties.a_name_of_more_than_forty_characters_of_which_one": "measure",
    "properties.a_name_of_more_than_forty_characters_of_which_two": "measure",
}
TRAITS: Final = {
    "traits.plan": "category",
    "traits.Plan": "category",
    "traits.name": "person.name",
    "traits.email": "contact.email",
    "traits.phone": "contact.phone",
    "traits.seats": "organization.size",
    "traits.language": "locale.language",
    "traits.title": "text.short",
    "traits.bio": "text.long",
    "traits.note": "note",
    "traits.born": "person.birth",
    "traits.user_id": "identifier.object",
    "traits.ga_x": "measure",
    "traits.address.country": "location.country",
    "traits.address.region": "location.region",
    "traits.ok": "measure",
}
#: What the plan says of ids and times.
ENVELOPE: Final = {
    "messageId": "identifier.event",
    "userId": "identifier.user",
    "anonymousId": "identifier.device",
    "groupId": "identifier.object",
    "timestamp": "time",
}
#: The classes with what suits them, besides `drop`. All others are drawn from what is allowed.
SUITING: Final[Mapping[str, tuple[str, ...]]] = {
    "identifier.user": ("pseudonymize",),
    "identifier.device": ("pseudonymize",),
    "identifier.event": ("pseudonymize",),
    "identifier.object": ("pseudonymize",),
    "contact.email": ("pseudonymize", "email_domain_class"),
    "contact.phone": ("pseudonymize", "mask"),
    "person.name": ("pseudonymize",),
    "person.birth": ("year_band",),
    "payment.card": ("mask",),
    "secret": ("mask", "pseudonymize"),
    "organization.name": ("pseudonymize", "scrub"),
    "organization.size": ("number_bucket", "keep"),
    "location.country": ("country",),
    "nation": ("keep",),
    "location.region": ("region",),
    "locale.language": ("language", "keep"),
    "network.ip": ("ip_prefix",),
    "network.user_agent": ("browser_family",),
    "device.platform": ("keep",),
    "device.screen": ("screen_bucket", "keep"),
    "web.url": ("url_template", "url_path", "scrub"),
    "web.path": ("url_path",),
    "web.campaign": ("scrub",),
    "text.short": ("scrub",),
    "text.long": ("scrub",),
    "note": ("keep", "scrub"),
    "category": ("keep",),
    "measure": ("keep",),
    "time": ("time_unit",),
}
_GENERALIZATIONS: Final = (
    "ip_prefix",
    "country",
    "region",
    "url_template",
    "url_path",
    "browser_family",
    "email_domain_class",
    "year_band",
    "number_bucket",
    "time_unit",
    "language",
    "screen_bucket",
)
_FOR_IDENTITY: Final = ("pseudonymize", "mask", "email_domain_class")
_IDENTITY: Final = (
    "identifier.user",
    "identifier.device",
    "identifier.object",
    "contact.email",
    "contact.phone",
    "person.name",
    "secret",
)
_ENTITIES: Final = ("PERSON", "EMAIL_ADDRESS", "PHONE_NUMBER", "IDENTITY", "STREET_ADDRESS", "SECRET")
#: Classes for whose values guards are drawn.
_KEPT: Final = ("measure", "note", "device.platform", "category")
_WORD_LISTS: Final = {
    "plans": ["free", "team", "enterprise", "Ada"],
    "terms": ["claude", "opus", "rate", "limit", "error", "llama", "Lima"],
    "zones": ["Europe/Berlin", "America/Sao_Paulo", "UTC"],
}
_INTEGRATIONS: Final = {
    VendorName.MIXPANEL: "Mixpanel",
    VendorName.AMPLITUDE: "Amplitude",
    VendorName.POSTHOG: "PostHog",
    VendorName.SEGMENT: "Segment",
    VendorName.GA4: "Google Analytics 4",
}
SYSTEMS: Final = ("Android", "iOS", "Linux", "Mac OS X", "Ubuntu", "Windows")


def random_policy(rng: Random, folder: Path) -> PlannedPolicy:
    """Draw a policy, write its files into a new folder and load them as any other policy's."""
    draft = _Draft(rng)
    (folder / "vendors").mkdir(parents=True)
    _write(folder / "tracking_plan.yaml", draft.plan)
    for vendor in VendorName:
        _write(folder / "vendors" / f"{vendor}.yaml", draft.vendors[vendor])
    return PlannedPolicy(
        compiled=load(folder),
        common=draft.plan["common"],
        events=draft.plan["events"],
        calls=draft.plan["calls"],
        word_lists=draft.plan["word_lists"],
        integrations=list(_INTEGRATIONS.values()),
        consents=["analytics", "advertising"],
    )


def _write(file: Path, content: Mapping[str, Any]) -> None:
    file.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")  # any JSON is YAML


class _Draft:
    """The files of one policy."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        #: How many of the possible fields a plan names.
        share = rng.choice((0.05, 0.1, 0.15, 0.2, 0.3, 0.6))
        stray = rng.choice((0.0, 0.05, 0.3))  # how many have another class than what suits them
        self._strange = rng.choice((0.0, 0.1, 0.3))  # how many classes are treated as they need not be
        common = {path: self._field(name, 0.0) for path, name in ENVELOPE.items()}
        if rng.random() < 0.1:  # Segment's schema takes no such field
            common["sentAt"] = self._field("time", 0.0)
        common |= self._fields({**CONTEXT, **self._some(PROPERTIES, 3)}, share, stray, common)
        if rng.random() < 0.7:  # as a word that GA4's schema takes or not
            common["context.location.country"] = self._field("nation", 0.0)
        common |= self._fields(SEGMENTS, rng.choice((0.0, 0.0, 0.0, 0.3)), stray, common)
        names = rng.sample(EVENT_NAMES, rng.randint(1, 5))
        self.plan: dict[str, Any] = {"common": common}
        self.plan["events"] = {
            name: self._fields({**PROPERTIES, **self._some(TRAITS, 8)}, share, stray, common)
            for name in names
        }
        self.plan["calls"] = {
            call: self._fields({**self._some(PROPERTIES, 20), **TRAITS}, share, stray, common)
            for call in OTHER_CALLS
        }
        for call in ("page", "screen"):  # here they have a place that `context.page` has as well
            wanted = {f"properties.{name}": "web.url" for name in ("url", "path", "referrer")}
            fields = self.plan["calls"][call]
            fields |= self._fields(wanted, 0.5, stray, common | fields)
        self.plan["calls"]["alias"]["previousId"] = self._field("identifier.user", 0.0)
        used = {form["class"] for _, form in self._planned()}
        self.plan["classes"] = dict.fromkeys(sorted(used), "A class.")
        self._identity = [
            name
            for name in sorted(used)
            if (name in _IDENTITY and rng.random() < 0.9) or (name not in SUITING and rng.random() < 0.5)
        ]
        self.plan["identity_classes"] = self._identity
        self.plan["word_lists"] = {
            name: words
            for name, words in _WORD_LISTS.items()
            if any(name in (form.get("enum"), form.get("parts")) for _, form in self._planned())
        }
        self.plan["entities"] = self._entities(
            (0.45, 0.6), ["Madison theme", "Grafana"], {"SECRET": ["Project Nightjar"]}
        )
        self.vendors = {vendor: self._vendor(vendor) for vendor in VendorName}

    def _planned(self) -> Iterable[tuple[str, dict[str, Any]]]:
        """Every field that the plan names, once for each section that names it."""
        sections = (self.plan["common"], *self.plan["events"].values(), *self.plan["calls"].values())
        return [(path, form) for fields in sections for path, form in fields.items()]

    def _some(self, fields: Mapping[str, str], count: int) -> dict[str, str]:
        return {path: fields[path] for path in self._rng.sample(list(fields), min(count, len(fields)))}

    def _fields(self, wanted: Mapping[str, str], share: float, stray: float, beside: Fields) -> Fields:
        """Some of the wanted fields; none that lies in another one."""
        rng = self._rng
        chosen: Fields = {}
        for path in rng.sample(list(wanted), len(wanted)):
            if rng.random() >= share or path in beside:
                continue
            if any(path.startswith(f"{whole}.") for whole in (*chosen, *beside)):
                continue
            if any(inner.startswith(f"{path}.") for inner in chosen):
                continue
            settled = path in {"context.ip", "context.userAgent"}  # of another class, Segment refuses all
            chosen[path] = self._field(wanted[path], stray / 5 if settled else stray)
        return chosen

    def _field(self, data_class: str, stray: float) -> dict[str, Any]:
        if self._rng.random() < stray:
            data_class = self._rng.choice(list(SUITING))
        guard = {} if _is_never_kept(data_class) else self._guard(data_class)
        return {"class": data_class, **guard}

    def _guard(self, data_class: str) -> dict[str, Any]:
        rng = self._rng
        whole = {"type": "integer", "minimum": rng.choice((0, -5)), "maximum": rng.choice((1, 100, 10**18))}
        match data_class:
            case "measure":
                fraction = {"type": "number", "minimum": -1.5, "maximum": rng.choice((2.5, 10**17))}
                return rng.choice((whole, fraction, {"type": "boolean"}))
            case "device.screen" | "organization.size":
                return whole
            case "note":
                longest = rng.choice((10, 40, 120, 300, 1100, 5000, 9000))
                return rng.choice(
                    (
                        {"max_length": longest},
                        {"type": "string", "max_length": longest},
                        {"type": "list", "max_length": longest, "max_items": rng.choice((3, 300))},
                    )
                )
            case "nation":  # GA4's schema takes none but codes
                return {"type": "word", "pattern": "[A-Za-z]{2,9}"}
            case "device.platform":
                return rng.choice(
                    (
                        {"type": "string", "enum": list(SYSTEMS)},
                        {"type": "word", "pattern": r"[0-9]+(\.[0-9]+)*"},
                    )
                )
        return rng.choice(
            (
                {"type": "word", "enum": ["free", "team", "Ada", "Größe"]},
                {"type": "string", "enum": [*SYSTEMS, "free", "1", "true"]},
                {"enum": "plans"},
                {"type": "word", "enum": "zones"},
                {"type": "word", "parts": "terms", "max_length": 40},
                {"type": "word", "pattern": "[A-Za-z0-9@.+-]+"},
                {"type": "string", "max_length": rng.choice((4, 60, 2000))},
                {"type": "list", "enum": "plans", "max_items": 4},
                {"type": "list", "parts": "terms", "max_length": 60},
                {"type": "list", "max_length": 120},
                {"type": "list", "pattern": "[a-z@.]+", "max_items": 300},
            )
        )

    def _vendor(self, vendor: VendorName) -> dict[str, Any]:
        rng = self._rng
        file: dict[str, Any] = {
            "vendor": vendor.value,
            "topic": f"vendor.{vendor}.{rng.choice(('events', 'out'))}",
            "integration": _INTEGRATIONS[vendor],
            "consent": rng.choice(
                (
                    "analytics",
                    "advertising",
                    {"category": "analytics", "when_absent": "allow"},
                    {"category": "analytics", "when_absent": "allow"},
                    {"category": "analytics", "when_absent": "deny"},
                    {"category": "advertising", "when_absent": "allow"},
                )
            ),
            "events": [name for name in self.plan["events"] if rng.random() < 0.85],
            "calls": [call for call in OTHER_CALLS if rng.random() < 0.8],
            "entities": self._entities(
                (0.5, 0.7), ["Juniper", "Lima office"], {"PERSON": ["Quokka"], "SECRET": ["Bluebird"]}
            ),
        }
        file["actions"] = {name: self._class_action(name) for name in self.plan["classes"]}
        file["fields"] = self._overrides(file)
        keyed = {name for name, action in file["actions"].items() if _takes_key(action)}
        keyed |= {
            form["class"]
            for path, form in self._reached(file)
            if _takes_key(file["fields"].get(path, file["actions"][form["class"]]))
        }
        file["key_purposes"] = {name: rng.choice(("user", "device", "object")) for name in sorted(keyed)}
        return file

    def _reached(self, file: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
        sections = [self.plan["common"]]
        sections += [self.plan["events"][name] for name in file["events"]]
        sections += [self.plan["calls"][call] for call in file["calls"]]
        return [(path, form) for fields in sections for path, form in fields.items()]

    def _overrides(self, file: Mapping[str, Any]) -> dict[str, Notation]:
        """Other actions than their classes' for some fields that the vendor's form can do without."""
        rng = self._rng
        classes: dict[str, set[str]] = {}
        for path, form in self._reached(file):
            classes.setdefault(path, set()).add(form["class"])
        overrides: dict[str, Notation] = {}
        for path, names in classes.items():
            if path in {*ENVELOPE, "previousId"} or rng.random() > 0.1:
                continue
            action = self._action(rng.choice(self._allowed(names)))
            if any(file["actions"][name] != action for name in names):
                overrides[path] = action
        return overrides

    def _allowed(self, classes: Iterable[str]) -> list[str]:
        """What may be done to values of all of these classes."""
        if any(name in self._identity for name in classes):
            return ["drop", *_FOR_IDENTITY]
        allowed = ["drop", "pseudonymize", "scrub", "mask", *_GENERALIZATIONS]
        return allowed if any(map(_is_never_kept, classes)) else [*allowed, "keep", "keep"]

    def _class_action(self, name: str) -> Notation:
        rng = self._rng
        if name in ENVELOPE.values():  # the forms can't be filled otherwise
            return self._action("time_unit" if name == "time" else "pseudonymize")
        allowed = self._allowed([name])
        suiting = [action for action in SUITING[name] if action in allowed]
        if rng.random() < self._strange or not suiting:
            return self._action(rng.choice(allowed))
        return "drop" if rng.random() < 0.1 else self._action(rng.choice(suiting))

    def _action(self, name: str) -> Notation:
        """An action's notation, with parameters where it takes any."""
        rng = self._rng
        parameters: dict[str, dict[str, Any]] = {
            "ip_prefix": {"v4": rng.choice((8, 16, 24)), "v6": rng.choice((32, 48))},
            "year_band": {"years": rng.choice((5, 10, 25))},
            "number_bucket": {"bounds": rng.choice(([1, 11, 51], [0], [-10, 1, 2, 1000]))},
            "time_unit": {"unit": rng.choice(("second", "second", "second", "minute", "hour", "day"))},
            "screen_bucket": {"step": rng.choice((50, 100, 1000))},
        }
        if name == "keep":
            guard = self._guard(rng.choice(_KEPT))
            named = {guard[key] for key in ("enum", "parts") if isinstance(guard.get(key), str)}
            known = named <= self.plan["word_lists"].keys()
            return {"keep": guard} if known and rng.random() < 0.25 else "keep"
        if name == "mask":
            pattern = rng.choice(("[0-9 ]{4,30}", ".{4,60}", "[A-Za-z0-9@._-]+"))
            return {"mask": {"pattern": pattern, "keep_last": rng.randint(1, 4)}}
        if name == "scrub":
            pseudonymized, masked = rng.sample(_ENTITIES, rng.randint(1, 2)), rng.sample(_ENTITIES, 1)
            masked = [entity for entity in masked if entity not in pseudonymized]
            both = {"pseudonymize": pseudonymized} | ({"mask": masked} if masked else {})
            return rng.choice(("scrub", "scrub", {"scrub": {"pseudonymize": pseudonymized}}, {"scrub": both}))
        if name not in _GENERALIZATIONS:
            return name
        if name in parameters and rng.random() < 0.7:
            return {"generalize": {name: parameters[name]}}
        return {"generalize": name}

    def _entities(
        self, thresholds: tuple[float, float], allow: list[str], deny: dict[str, list[str]]
    ) -> dict[str, Any]:
        rng = self._rng
        if rng.random() < 0.5:
            return {}
        return {
            "thresholds": {
                entity.value: rng.choice(thresholds)
                for entity in (Entity.PERSON, Entity.STREET_ADDRESS)
                if rng.random() < 0.5
            },
            "allow": [entry for entry in allow if rng.random() < 0.6],
            "deny": {entity: words for entity, words in deny.items() if rng.random() < 0.6},
        }


def _takes_key(action: Notation) -> bool:
    if isinstance(action, str):
        return action == "pseudonymize"
    return "pseudonymize" in action.get("scrub", {})


def _is_never_kept(data_class: str) -> bool:
    return any(data_class == name or data_class.startswith(f"{name}.") for name in NEVER_KEPT)
