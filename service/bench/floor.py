"""The floor: the least that bare Python needs to make what Weir makes of a structured event.

orjson decodes, SHA-256 contexts are copied for the pseudonyms, dict literals are encoded, and for whatever
comes again (persons, devices, pages, browsers) the members it becomes are kept. Written by hand for the
reference policy and the events of `Mix.STRUCTURED`; of these it makes the same payloads, byte for byte. It
does nothing else: no validation, consent, guards, limits, schemas, detection or gate, no record keys and
headers. Of a URL's path it keeps the listed words; Weir asks detection about the others.
"""

from collections.abc import Callable
from datetime import datetime
from functools import lru_cache, partial
from typing import Any, Final, NamedTuple, TypeAlias, TypeVar

import orjson

from service.actions.action import REFUSED, Action, ActionContext
from service.actions.browser_family import BrowserFamilyAction
from service.actions.country import CountryAction
from service.actions.email_domain_class import EmailDomainClassAction
from service.actions.ip_prefix import IpPrefixAction
from service.actions.language import LanguageAction
from service.actions.number_bucket import NumberBucketAction
from service.actions.region import RegionAction
from service.actions.word_list import word_list
from service.actions.year_band import YearBandAction
from service.policy.action_specs import IpPrefix, NumberBucket, YearBand
from service.policy.vendor_names import VendorName
from service.pseudonyms.encodings import number_pair, uuid8
from service.pseudonyms.key_version import KeyVersion
from service.pseudonyms.pseudonymizer import KeyedPseudonymizer

#: How much of each kind is kept.
_KEPT: Final = 4096
_SCREEN_STEP: Final = 100

_MIXPANEL_NAMES: Final = {
    "page": "$mp_web_page_view",
    "screen": "Screen Viewed",
    "identify": "$identify",
    "group": "Group",
    "alias": "$create_alias",
}
_AMPLITUDE_NAMES: Final = {
    "page": "[Amplitude] Page Viewed",
    "screen": "[Amplitude] Screen Viewed",
    "identify": "$identify",
    "group": "$groupidentify",
}
_POSTHOG_NAMES: Final = {
    "page": "$pageview",
    "screen": "$screen",
    "identify": "identify",
    "group": "group",
    "alias": "alias",
}
_GA4_NAMES: Final = {"page": "page_view", "screen": "screen_view"}

#: JSON objects, without a type for each value.
_Members: TypeAlias = dict[str, Any]
_Mac: TypeAlias = Callable[[bytes], bytes]
_Made = TypeVar("_Made")


class _Ids(NamedTuple):
    """The pseudonyms of one value."""

    mixpanel: str
    amplitude: str
    posthog: str
    segment: str
    ga4: str


class _Parts(NamedTuple):
    """What something becomes in the vendors' payloads."""

    mixpanel: _Members
    amplitude: _Members
    posthog: _Members
    segment: _Members
    ga4: _Members


class _Agent(NamedTuple):
    """A user agent: its parts, and what Amplitude has a place of its own for."""

    parts: _Parts
    system: str


class _Address(NamedTuple):
    """A URL as a template, and its path alone."""

    template: str
    path: str


class _Common(NamedTuple):
    """What the vendors' payloads of an event have in common."""

    name: str | None
    call: str
    seconds: int
    second: str
    message: bytes
    user: _Ids | None
    device: _Ids
    hardware: _Parts
    place: _Parts
    page: _Parts
    agent: _Agent
    own: _Parts
    version: str
    language: str
    width: int
    height: int


_NOTHING: Final = _Parts({}, {}, {}, {}, {})


class Floor:
    """The bare loop under one version of the keys."""

    def __init__(self, key: KeyVersion) -> None:
        """Derive the vendors' keys."""
        self._messages = _macs(key, "event", "identifier.event")
        self._users = _kept(_ids(_macs(key, "user", "identifier.user"), ga4=_alphanumeric))
        self._devices = _kept(_ids(_macs(key, "device", "identifier.device"), ga4=number_pair))
        self._objects = _kept(_ids(_macs(key, "object", "identifier.object"), ga4=_alphanumeric))
        self._companies = _kept(_ids(_macs(key, "organization", "organization.name"), ga4=_alphanumeric))
        self._hardware = _kept(self._new_hardware)
        self._of_bodies: Final[dict[str, Callable[[Any], _Parts]]] = {
            "page": _page_viewed,
            "screen": lambda _: _NOTHING,
            "identify": self._identified,
            "group": self._grouped,
            "alias": self._alias,
            "Usage Viewed": self._usage_viewed,
        }

    def payloads(self, raw: bytes) -> list[tuple[VendorName, bytes]]:
        """The payloads of a structured event's vendors, as JSON."""
        body = orjson.loads(raw)
        context, call, stamp, user = body["context"], body["type"], body["timestamp"], body.get("userId")
        screen = context["screen"]
        common = _Common(
            name=body.get("event"),
            call=call,
            seconds=int(datetime.fromisoformat(stamp).timestamp()),
            second=f"{stamp[:19]}Z",
            message=body["messageId"].encode(),
            user=None if user is None else self._users(user),
            device=self._devices(body["anonymousId"]),
            hardware=self._hardware(context["device"]["id"]) if "device" in context else _NOTHING,
            place=_place(context["location"]["country"], context["location"]["region"])
            if "location" in context
            else _NOTHING,
            page=_page(context["page"]["url"], context["page"]["referrer"])
            if "page" in context
            else _NOTHING,
            agent=_agent(context["userAgent"]),
            own=self._own(body),
            version=context["app"]["version"],
            language=_language(context["locale"]),
            width=screen["width"] // _SCREEN_STEP * _SCREEN_STEP,
            height=screen["height"] // _SCREEN_STEP * _SCREEN_STEP,
        )
        dumps = orjson.dumps
        made = [(VendorName.MIXPANEL, dumps(self._mixpanel(common, body)))]
        if call != "alias":
            made.append((VendorName.AMPLITUDE, dumps(self._amplitude(common, body))))
        made.append((VendorName.POSTHOG, dumps(self._posthog(common, context))))
        made.append((VendorName.SEGMENT, dumps(self._segment(common, context))))
        if call in {"track", "page", "screen"}:
            made.append((VendorName.GA4, dumps(_ga4(common))))
        return made

    def _mixpanel(self, common: _Common, body: Any) -> _Members:
        user, device = common.user, common.device.mixpanel
        signed_in: _Members = {}
        if user is None:
            distinct_id = f"$device:{device}"
        elif common.call == "alias":
            distinct_id = self._users(body["previousId"]).mixpanel
            signed_in = {"$user_id": user.mixpanel, "alias": user.mixpanel}
        else:
            distinct_id = user.mixpanel
            signed_in = {"$user_id": distinct_id}
        return {
            "event": common.name or _MIXPANEL_NAMES[common.call],
            "properties": {
                "time": common.seconds,
                "distinct_id": distinct_id,
                "$insert_id": _alphanumeric(self._messages[0](common.message)),
                "ip": 0,
                "$device_id": device,
                **signed_in,
                "$app_version_string": common.version,
                **common.hardware.mixpanel,
                "language": common.language,
                **common.place.mixpanel,
                **common.page.mixpanel,
                "$screen_height": common.height,
                "$screen_width": common.width,
                **common.agent.parts.mixpanel,
                **common.own.mixpanel,
            },
        }

    def _amplitude(self, common: _Common, body: Any) -> _Members:
        of_event, of_group, sections = common.own.amplitude, {}, {}
        if common.call == "identify":
            of_event, sections = {}, {"user_properties": of_event}
        elif common.call == "group":
            of_event, sections = {}, {"group_properties": of_event}
            of_group = {"groups": {"group": self._objects(body["groupId"]).amplitude}}
        return {
            "event_type": common.name or _AMPLITUDE_NAMES[common.call],
            "time": common.seconds * 1000,
            "insert_id": _alphanumeric(self._messages[1](common.message)),
            **({} if common.user is None else {"user_id": common.user.amplitude}),
            "device_id": common.device.amplitude,
            "app_version": common.version,
            "language": common.language,
            **common.place.amplitude,
            "os_name": common.agent.system,
            **of_group,
            "event_properties": {
                **common.hardware.amplitude,
                **common.page.amplitude,
                "screen_height": common.height,
                "screen_width": common.width,
                **common.agent.parts.amplitude,
                **of_event,
            },
            **sections,
        }

    def _posthog(self, common: _Common, context: Any) -> _Members:
        device = common.device.posthog
        return {
            "event": common.name or _POSTHOG_NAMES[common.call],
            "distinct_id": device if common.user is None else common.user.posthog,
            "timestamp": common.second,
            "uuid": uuid8(self._messages[2](common.message)),
            "properties": {
                "$geoip_disable": True,
                "$process_person_profile": False,
                "$device_id": device,
                "$app_version": common.version,
                **common.hardware.posthog,
                "$browser_language_prefix": common.language,
                **common.place.posthog,
                **common.page.posthog,
                "$screen_height": common.height,
                "$screen_width": common.width,
                "$timezone": context["timezone"],
                **common.agent.parts.posthog,
                **common.own.posthog,
            },
        }

    def _segment(self, common: _Common, context: Any) -> _Members:
        return {
            "type": common.call,
            "messageId": _alphanumeric(self._messages[3](common.message)),
            "timestamp": common.second,
            **({} if common.name is None else {"event": common.name}),
            **({} if common.user is None else {"userId": common.user.segment}),
            "anonymousId": common.device.segment,
            "context": {
                "app": {"version": common.version},
                **common.hardware.segment,
                "ip": _network(context["ip"]),
                "locale": common.language,
                **common.place.segment,
                **common.page.segment,
                "screen": {"height": common.height, "width": common.width},
                **common.agent.parts.segment,
            },
            **common.own.segment,
        }

    def _new_hardware(self, value: str) -> _Parts:
        ids = self._devices(value)
        return _Parts(
            {"device_id": ids.mixpanel},
            {"device_id": ids.amplitude},
            {"device_id": ids.posthog},
            {"device": {"id": ids.segment}},
            {"device_id": ids.ga4},
        )

    def _own(self, body: Any) -> _Parts:
        """What the event's properties or traits become."""
        kind = body.get("event") or body["type"]
        of_properties = _OF_PROPERTIES.get(kind)
        return self._of_bodies[kind](body) if of_properties is None else of_properties(body["properties"])

    def _usage_viewed(self, body: Any) -> _Parts:
        properties = body["properties"]
        ids, models = self._objects(properties["project_id"]), properties["models"]
        days = properties["range_days"]
        return _Parts(
            {"models": models, "project_id": ids.mixpanel, "range_days": days},
            {"models": models, "project_id": ids.amplitude, "range_days": days},
            {"models": models, "project_id": ids.posthog, "range_days": days},
            {"properties": {"models": models, "project_id": ids.segment, "range_days": days}},
            {"models": ",".join(models), "project_id": ids.ga4, "range_days": days},
        )

    def _identified(self, body: Any) -> _Parts:
        traits = body["traits"]
        country, band = _country(traits["address"]["country"]), _birth_years(traits["birthday"])
        company, language = self._companies(traits["company"]), _language(traits["language"])
        rest = {"language": language, "plan": traits["plan"], "seats": _size(traits["seats"])}
        return _Parts(
            {"address.country": country, "birthday": band, "company": company.mixpanel, **rest},
            {"address.country": country, **rest},
            {"address.country": country, "birthday": band, "company": company.posthog, **rest},
            {"traits": {"address": {"country": country}, "company": company.segment, **rest}},
            {},
        )

    def _grouped(self, body: Any) -> _Parts:
        traits = body["traits"]
        ids, company = self._objects(body["groupId"]), self._companies(traits["name"])
        first: _Members = {"employees": _size(traits["employees"]), "industry": traits["industry"]}
        plan = traits["plan"]
        return _Parts(
            {"group_id": ids.mixpanel, **first, "name": company.mixpanel, "plan": plan},
            {**first, "plan": plan},
            {"group_id": ids.posthog, **first, "name": company.posthog, "plan": plan},
            {"groupId": ids.segment, "traits": {**first, "name": company.segment, "plan": plan}},
            {},
        )

    def _alias(self, body: Any) -> _Parts:
        previous = self._users(body["previousId"])
        return _Parts({}, {}, {"previous_id": previous.posthog}, {"previousId": previous.segment}, {})


def _ga4(common: _Common) -> _Members:
    return {
        "client_id": common.device.ga4,
        "timestamp_micros": common.seconds * 1_000_000,
        **({} if common.user is None else {"user_id": common.user.ga4}),
        "events": [
            {
                "name": _ga4_name(common.name) if common.name else _GA4_NAMES[common.call],
                "params": {
                    **common.hardware.ga4,
                    "language": common.language,
                    **common.page.ga4,
                    **common.own.ga4,
                },
            }
        ],
        **common.place.ga4,
    }


def _macs(key: KeyVersion, purpose: str, data_class: str) -> list[_Mac]:
    """HMAC-SHA256 under each vendor's key, in the order of the vendors."""
    keyed = [KeyedPseudonymizer(key.id, partial(key.derive, vendor)) for vendor in VendorName]
    return [each.mac(purpose=purpose, data_class=data_class) for each in keyed]


def _ids(macs: list[_Mac], *, ga4: Callable[[bytes], str]) -> Callable[[str], _Ids]:
    mixpanel, amplitude, posthog, segment, google = macs

    def ids(value: str) -> _Ids:
        encoded = value.encode()
        return _Ids(
            _alphanumeric(mixpanel(encoded)),
            _alphanumeric(amplitude(encoded)),
            _alphanumeric(posthog(encoded)),
            _alphanumeric(segment(encoded)),
            ga4(google(encoded)),
        )

    return ids


def _alphanumeric(mac: bytes) -> str:
    return f"w{mac[:16].hex()}"


def _kept(function: Callable[[str], _Made]) -> Callable[[str], _Made]:
    return lru_cache(_KEPT)(function)


def _action(action: Action) -> Callable[[Any], Any]:
    """One of Weir's own actions, its results kept: a value, or REFUSED."""
    context = ActionContext(KeyedPseudonymizer("", lambda _: b""), {}, {}, set())
    return lru_cache(_KEPT)(lambda value: action.apply(value, context))


_browser_family = _action(BrowserFamilyAction())
_country = _action(CountryAction())
_region = _action(RegionAction())
_language = _action(LanguageAction())
_network = _action(IpPrefixAction(IpPrefix(v4=24, v6=48)))
_email_class = _action(EmailDomainClassAction())
_size = _action(NumberBucketAction(NumberBucket(bounds=[1, 11, 51, 201, 1001, 5001])))
_birth_years = _action(YearBandAction(YearBand(years=10)))


@lru_cache(_KEPT)
def _ga4_name(name: str) -> str:
    return name.lower().replace(" ", "_")


@lru_cache(_KEPT)
def _place(country: str, region: str) -> _Parts:
    code, area = _country(country), _region(region)
    located = {"country": code} if area is REFUSED else {"country": code, "region": area}
    return _Parts(
        {"mp_country_code": code},
        located,
        {"$geoip_country_code": code},
        {"location": {"country": code}},
        {"user_location": {"country_id": code}},
    )


@lru_cache(_KEPT)
def _agent(user_agent: str) -> _Agent:
    family = _browser_family(user_agent)
    browser, system = family["browser"], family["os"]
    whole, bare, brand = {"$browser": browser}, {"browser": browser}, {"brand": browser}
    if "browser_version" in family:
        whole["$browser_version"] = bare["browser_version"] = brand["version"] = family["browser_version"]
    whole["$os"] = system
    parts = _Parts(whole, bare, whole, {"userAgentData": {"brands": [brand], "platform": system}}, {})
    return _Agent(parts, system)


@lru_cache(_KEPT)
def _address(url: str) -> _Address:
    address, _, query = url.partition("#")[0].partition("?")
    scheme, _, rest = address.rpartition("://")
    host, slash, path = rest.partition("/")
    words = _path_words()
    shown = "/".join([segment if segment in words else ":id" for segment in path.split("/")])
    campaign = [pair for pair in query.split("&") if pair.startswith("utm_")]
    origin = f"{scheme}://{host}" if scheme else ""
    asked = f"?{'&'.join(campaign)}" if campaign else ""
    return _Address(f"{origin}{slash}{shown}{asked}", f"/{shown}")


@lru_cache(1)
def _path_words() -> frozenset[str]:
    return word_list("path_words.txt") | word_list("path_collections.txt") | {""}


@lru_cache(_KEPT)
def _page(url: str, referrer: str) -> _Parts:
    shown, before = _address(url), _address(referrer)
    whole = {"$referrer": before.template, "$current_url": shown.template}
    return _Parts(
        whole,
        {"referrer": before.path, "[Amplitude] Page URL": shown.path},
        whole,
        {"page": {"referrer": before.template, "url": shown.template}},
        {"page_referrer": before.path, "page_location": shown.path},
    )


def _page_viewed(body: Any) -> _Parts:
    """A page call's URL stands where the context's does, unless that says another."""
    template, path = _address(body["properties"]["url"])
    page = body["context"].get("page")
    shown = {"path": path, "url": template}
    if page is None:
        return _Parts(
            {"current_url_path": path, "$current_url": template},
            {"[Amplitude] Page Path": path, "[Amplitude] Page URL": path},
            {"$pathname": path, "$current_url": template},
            {"properties": shown},
            {"page_path": path, "page_location": path},
        )
    around = _address(page["url"])
    whole = {} if around.template == template else {"url": template}
    pathed = {} if around.path == path else {"url": path}
    return _Parts(
        {"current_url_path": path, **whole},
        {"[Amplitude] Page Path": path, **pathed},
        {"$pathname": path, **whole},
        {"properties": shown},
        {"page_path": path, **pathed},
    )


def _alike(members: _Members) -> _Parts:
    return _Parts(members, members, members, {"properties": members}, members)


def _number(value: float) -> float:
    return int(value) if value.is_integer() else value


def _signed_up(properties: Any) -> _Parts:
    kept = {"method": properties["method"], "plan": properties["plan"]}
    if "invited_by" not in properties:
        return _alike(kept)
    classed = {"invited_by": _email_class(properties["invited_by"]), **kept}
    return _Parts(classed, kept, classed, {"properties": kept}, kept)


def _logged_in(properties: Any) -> _Parts:
    method, mfa = properties["method"], properties["mfa"]
    kept = {"method": method, "mfa": mfa}
    spelt = {"method": method, "mfa": "true" if mfa else "false"}
    return _Parts(kept, kept, kept, {"properties": kept}, spelt)


def _key_created(properties: Any) -> _Parts:
    scopes = properties["scopes"]
    kept = {"scopes": scopes}
    return _Parts(kept, kept, kept, {"properties": kept}, {"scopes": ",".join(scopes)})


def _playground_run(properties: Any) -> _Parts:
    return _alike(
        {
            "completion_tokens": properties["completion_tokens"],
            "latency_ms": properties["latency_ms"],
            "model": properties["model"],
            "prompt_tokens": properties["prompt_tokens"],
            "temperature": _number(properties["temperature"]),
        }
    )


def _feedback_submitted(properties: Any) -> _Parts:
    kept = {"rating": properties["rating"]}
    if "contact_email" not in properties:
        return _alike(kept)
    classed = {"contact_email": _email_class(properties["contact_email"]), **kept}
    return _Parts(classed, kept, classed, {"properties": kept}, kept)


def _plan_changed(properties: Any) -> _Parts:
    amount, country = _number(properties["amount"]), _country(properties["billing_address"]["country"])
    rest = {
        "currency": properties["currency"],
        "from_plan": properties["from_plan"],
        "seats": properties["seats"],
        "to_plan": properties["to_plan"],
    }
    flat = {"amount": amount, "billing_address.country": country, **rest}
    nested = {"amount": amount, "billing_address": {"country": country}, **rest}
    spelt = {"amount": amount, "billing_address_country": country, **rest}
    return _Parts(flat, flat, flat, {"properties": nested}, spelt)


def _invite_sent(properties: Any) -> _Parts:
    kept = {"role": properties["role"]}
    classed = {"invitee_email": _email_class(properties["invitee_email"]), **kept}
    return _Parts(classed, kept, classed, {"properties": kept}, kept)


def _error_shown(properties: Any) -> _Parts:
    code, address = properties["code"], _address(properties["url"])
    whole = {"code": code, "url": address.template}
    pathed = {"code": code, "url": address.path}
    return _Parts(whole, pathed, whole, {"properties": whole}, pathed)


def _file_uploaded(properties: Any) -> _Parts:
    return _alike({"mime": properties["mime"], "size_bytes": properties["size_bytes"]})


_OF_PROPERTIES: Final[dict[str, Callable[[Any], _Parts]]] = {
    "Signed Up": _signed_up,
    "Logged In": _logged_in,
    "API Key Created": _key_created,
    "Playground Run": _playground_run,
    "Feedback Submitted": _feedback_submitted,
    "Plan Changed": _plan_changed,
    "Invite Sent": _invite_sent,
    "Error Shown": _error_shown,
    "File Uploaded": _file_uploaded,
}
