"""The whole policy as one matrix, data class by vendor, for people and for machines."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from service.policy.action_specs import (
    ActionSpec,
    Drop,
    Keep,
    Scrub,
)
from service.policy.compiler import action_spec
from service.policy.models import Action, TrackingPlanFile, VendorFile
from service.policy.reach import reached_fields
from service.policy.vendor_names import VendorName

_IN_WORDS: Final = {
    "drop": "-",
    "pseudonymize": "pseudonym",
    "ip_prefix": "network /{v4}, /{v6}",
    "browser_family": "browser",
    "email_domain_class": "domain class",
    "year_band": "{years}-year band",
    "number_bucket": "in buckets",
    "time_unit": "to the {unit}",
    "screen_bucket": "in {step} px",
    "mask": "last {keep_last} shown",
}


class Fate(Enum):
    """What becomes of a value, at its coarsest."""

    KEPT = "kept"
    TRANSFORMED = "transformed"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class Treatment:
    """An action, as written and as understood."""

    action: Action
    spec: ActionSpec

    @property
    def notation(self) -> Any:
        """The action as a policy file has it."""
        if isinstance(self.action, str):
            return self.action
        return self.action.model_dump(mode="json", exclude_none=True)

    @property
    def fate(self) -> Fate:
        """What becomes of the value."""
        match self.spec:
            case Keep():
                return Fate.KEPT
            case Drop():
                return Fate.DROPPED
        return Fate.TRANSFORMED

    @property
    def in_words(self) -> str:
        """The action in a few words, for a table."""
        if isinstance(self.spec, Scrub):
            parts = ["scrub"]
            for done, entities in (("pseudonyms", self.spec.pseudonymize), ("masks", self.spec.mask)):
                parts += [f"{done} for {', '.join(sorted(entities))}"] if entities else []
            return "; ".join(parts)
        words = _IN_WORDS.get(self.spec.action, self.spec.action.replace("_", " "))
        return words.format(**self.spec.model_dump())


@dataclass(frozen=True, slots=True)
class Override:
    """A field treated otherwise than its class."""

    vendor: VendorName
    dotted: str
    data_class: str
    treatment: Treatment


@dataclass(frozen=True, slots=True)
class Matrix:
    """The policy of some vendors.

    Attributes:
        treatments: By class, then by vendor; classes in the order of the tracking plan.
        overrides: In the order of the vendors and their files.
    """

    treatments: Mapping[str, Mapping[VendorName, Treatment]]
    overrides: tuple[Override, ...]

    def is_overridden(self, data_class: str, vendor: VendorName) -> bool:
        """Whether the vendor's policy treats some fields of the class otherwise."""
        return any(
            override.data_class == data_class and override.vendor == vendor for override in self.overrides
        )


def lay_out(plan: TrackingPlanFile, vendors: Mapping[VendorName, VendorFile]) -> Matrix:
    """The matrix of these vendors' files."""

    def treatment(action: Action) -> Treatment:
        return Treatment(action, action_spec(action, plan.word_lists))

    overrides = []
    for name, file in vendors.items():
        classes = {field.dotted: field.form.data_class for field in reached_fields(plan, file)}
        overrides += [
            Override(name, dotted, classes[dotted], treatment(action))
            for dotted, action in file.fields.items()
        ]
    treatments = {
        data_class: {name: treatment(file.actions.get(data_class, "drop")) for name, file in vendors.items()}
        for data_class in plan.classes
    }
    return Matrix(treatments, tuple(overrides))
