"""The actions by the specs that declare them: the one place where an action is registered."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from service.actions.action import Action
from service.actions.browser_family import BrowserFamilyAction
from service.actions.country import CountryAction
from service.actions.email_domain_class import EmailDomainClassAction
from service.actions.ip_prefix import IpPrefixAction
from service.actions.keep import KeepAction
from service.actions.language import LanguageAction
from service.actions.mask import MaskAction
from service.actions.number_bucket import NumberBucketAction
from service.actions.pseudonymize import PseudonymizeAction
from service.actions.region import RegionAction
from service.actions.screen_bucket import ScreenBucketAction
from service.actions.scrub import ScrubAction
from service.actions.time_unit import TimeUnitAction
from service.actions.url_path import UrlPathAction
from service.actions.url_template import UrlTemplateAction
from service.actions.year_band import YearBandAction
from service.policy.action_specs import (
    BrowserFamily,
    Country,
    EmailDomainClass,
    IpPrefix,
    Keep,
    Language,
    Mask,
    NumberBucket,
    Pseudonymize,
    Region,
    ScreenBucket,
    Scrub,
    TimeUnit,
    UrlPath,
    UrlTemplate,
    YearBand,
)
from service.policy.closed_model import ClosedModel
from service.policy.plan import FieldRule
from service.pseudonyms.encodings import Encoding

EncodingOf = Callable[[str], Encoding]


def build(rule: FieldRule, encoding_of: EncodingOf) -> Action:
    """The action of a rule, its parameters bound.

    Args:
        rule: A compiled rule. Policy checks have seen to it that its spec is not Drop (a dropped field has no
            rule), that a kept field has a guard and a pseudonymized one a key purpose.
        encoding_of: The vendor's id form of a data class.
    """
    return _BUILDERS[type(rule.spec)](rule, rule.spec, encoding_of)


def _keep(rule: FieldRule, spec: Keep, _: EncodingOf) -> Action:
    guard = spec.guard or rule.guard
    assert guard is not None
    return KeepAction(guard)


def _pseudonymize(rule: FieldRule, _: Pseudonymize, encoding_of: EncodingOf) -> Action:
    assert rule.key_purpose is not None
    return PseudonymizeAction(rule.data_class, rule.key_purpose, encoding_of(rule.data_class))


def _scrub(rule: FieldRule, spec: Scrub, _: EncodingOf) -> Action:
    assert rule.key_purpose is not None or not spec.pseudonymize
    return ScrubAction(spec, rule.key_purpose)


_BUILDERS: Final[Mapping[type[ClosedModel], Callable[[FieldRule, Any, EncodingOf], Action]]] = {
    Keep: _keep,
    Pseudonymize: _pseudonymize,
    Scrub: _scrub,
    IpPrefix: lambda _rule, spec, _: IpPrefixAction(spec),
    Country: lambda *_: CountryAction(),
    Region: lambda *_: RegionAction(),
    UrlTemplate: lambda *_: UrlTemplateAction(),
    UrlPath: lambda *_: UrlPathAction(),
    BrowserFamily: lambda *_: BrowserFamilyAction(),
    EmailDomainClass: lambda *_: EmailDomainClassAction(),
    YearBand: lambda _rule, spec, _: YearBandAction(spec),
    NumberBucket: lambda _rule, spec, _: NumberBucketAction(spec),
    TimeUnit: lambda _rule, spec, _: TimeUnitAction(spec),
    Language: lambda *_: LanguageAction(),
    ScreenBucket: lambda _rule, spec, _: ScreenBucketAction(spec),
    Mask: lambda _rule, spec, _: MaskAction(spec),
}
