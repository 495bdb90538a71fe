"""Whether a vendor's policy agrees with the tracking plan, and whether what it says is safe."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

from service.policy.guard_checks import check_guard, given_parts
from service.policy.mistakes import Mistakes
from service.policy.models import Action, KeepForm, ScrubForm, TrackingPlanFile, VendorFile
from service.policy.plan_checks import fields_written, is_unknown_class
from service.policy.reach import action_for, reached_fields, verb
from service.policy.reading import PolicyFile
from service.policy.vendor_names import VendorName

#: Classes never kept as they are, whatever a plan calls identity; each stands for its kinds as well.
NEVER_KEPT: Final = (
    "contact",
    "identifier",
    "location.address",
    "location.precise",
    "network.ip",
    "network.user_agent",
    "payment",
    "person",
    "secret",
    "text",
    "web",
)

#: What may be done to a value that is personal as a whole.
_SUITS_IDENTITY: Final = ("drop", "pseudonymize", "mask", "email_domain_class")

#: GA4's form has no id of the event's own.
_WITHOUT_EVENT_ID: Final = frozenset({VendorName.GA4})


class VendorCheck:
    """The checks of one vendor's policy."""

    def __init__(
        self,
        name: VendorName,
        file: PolicyFile[VendorFile],
        plan: PolicyFile[TrackingPlanFile],
        mistakes: Mistakes,
    ) -> None:
        """Nothing is checked yet; mistakes takes what will be found."""
        self._name = name
        self._file = file
        self._plan = plan
        self._mistakes = mistakes

    def check(self) -> None:
        """Check everything."""
        if self._file.model.vendor != self._name and "vendor" not in self._file.missing:
            self._mistakes.add(
                self._file.value_place("vendor"),
                f"this file is of {self._name}, not of {self._file.model.vendor}",
            )
        self._check_events()
        self._check_classes_are_known()
        self._check_overrides()
        for section, actions in (("actions", self._file.model.actions), ("fields", self._file.model.fields)):
            for key, action in actions.items():
                if isinstance(action, ScrubForm):
                    self._check_scrub(action, (section, key, "scrub"))
                if not isinstance(action, KeepForm):
                    continue
                if not given_parts(action.keep):
                    self._mistakes.add(
                        self._file.key_place(section, key, "keep"), "the guard is empty: write `keep` alone"
                    )
                check_guard(
                    action.keep,
                    self._file,
                    (section, key, "keep"),
                    self._plan,
                    self._mistakes,
                )
        for data_class, action in self._file.model.actions.items():
            self._check_safe(action, data_class, ("actions", data_class))
        self._check_key_purposes()
        self._check_breaker()
        self._check_required()

    def _check_events(self) -> None:
        known = self._plan.model.events
        for section, names in (("events", self._file.model.events), ("calls", self._file.model.calls)):
            for index, name in enumerate(names):
                place = self._file.item_place(index, section)
                if name in names[:index]:
                    self._mistakes.add(place, f"{name!r} stands here twice")
                elif section == "events" and name not in known and not self._plan.is_spoiled("events", name):
                    self._mistakes.add(place, f"unknown event {name!r}", name=name, known=known)

    def _check_classes_are_known(self) -> None:
        for section, names in (
            ("actions", self._file.model.actions),
            ("key_purposes", self._file.model.key_purposes),
        ):
            for name in names:
                if is_unknown_class(name, self._plan):
                    self._mistakes.add(
                        self._file.key_place(section, name),
                        f"unknown class {name!r}",
                        name=name,
                        known=self._plan.model.classes,
                    )

    def _check_overrides(self) -> None:
        known = fields_written(self._plan)
        classes: dict[str, set[str]] = defaultdict(set)
        for field in reached_fields(self._plan.model, self._file.model):
            classes[field.dotted].add(field.form.data_class)
        for dotted, action in self._file.model.fields.items():
            place = self._file.key_place("fields", dotted)
            if dotted not in known and not self._plan.missing & {"common", "events", "calls"}:
                self._mistakes.add(place, f"unknown field {dotted!r}", name=dotted, known=known)
            elif dotted not in classes and not self._is_reach_unsure():
                self._mistakes.add(place, f"never reached: no event or call allowed above has {dotted!r}")
            of_classes = [self._file.model.actions.get(name, "drop") for name in classes[dotted]]
            unsure = any(
                self._file.is_spoiled("actions", name) or is_unknown_class(name, self._plan)
                for name in classes[dotted]
            )
            if of_classes and not unsure and all(of_class == action for of_class in of_classes):
                self._mistakes.add(place, f"needless: the class of {dotted!r} is treated the same")
                continue
            for name in classes[dotted]:
                self._check_safe(action, name, ("fields", dotted))

    def _is_reach_unsure(self) -> bool:
        """Whether it is open which events and calls the vendor may get, because some names are wrong."""
        return (
            self._file.is_spoiled("events")
            or self._file.is_spoiled("calls")
            or not self._plan.model.events.keys() >= set(self._file.model.events)
        )

    def _check_safe(self, action: Action, data_class: str, keys: tuple[str, ...]) -> None:
        done = verb(action)
        is_identity = data_class in self._plan.model.identity_classes
        if done == "keep" and is_never_kept(data_class, self._plan.model):
            self._mistakes.add(
                self._file.value_place(*keys),
                f"values of the class {data_class!r} may never be kept as they are",
            )
        elif is_identity and done not in {*_SUITS_IDENTITY, "keep"}:
            self._mistakes.add(
                self._file.value_place(*keys),
                f"{done} is not enough for {data_class!r}, whose values are personal as a whole: "
                f"choose {', '.join(_SUITS_IDENTITY[:-1])} or {_SUITS_IDENTITY[-1]}",
            )

    def _check_scrub(self, action: ScrubForm, keys: tuple[str, ...]) -> None:
        pseudonymized, masked = action.scrub.pseudonymize or [], action.scrub.mask or []
        if not pseudonymized and not masked and not self._file.is_spoiled(*keys):
            self._mistakes.add(self._file.key_place(*keys), "the parameters are empty: write `scrub` alone")
        for index, entity in enumerate(masked):
            if entity in pseudonymized:
                self._mistakes.add(
                    self._file.item_place(index, *keys, "mask"),
                    f"{entity} stands under pseudonymize as well: choose one",
                )

    def _check_breaker(self) -> None:
        breaker = self._file.model.breaker
        if breaker.gate_hits > breaker.per_events and not self._file.is_spoiled("breaker"):
            self._mistakes.add(
                self._file.key_place("breaker"),
                f"gate_hits {breaker.gate_hits} is above per_events {breaker.per_events}: "
                "the breaker would hardly ever open",
            )

    def _check_key_purposes(self) -> None:
        vendor = self._file.model
        wanting: dict[str, tuple[str, ...]] = {}
        for field in reached_fields(self._plan.model, vendor):
            name = field.form.data_class
            if _takes_key(action_for(vendor, field.dotted, name)):
                wanting[name] = (
                    ("fields", field.dotted) if field.dotted in vendor.fields else ("actions", name)
                )
        wanting.update(
            {name: ("actions", name) for name, action in vendor.actions.items() if _takes_key(action)}
        )
        for name, keys in wanting.items():
            if name not in vendor.key_purposes and not self._file.is_spoiled("key_purposes", name):
                self._mistakes.add(
                    self._file.key_place(*keys),
                    f"pseudonyms of {name!r} need a key: name its purpose under key_purposes",
                )
        for name in vendor.key_purposes:
            if (
                name not in wanting
                and not is_unknown_class(name, self._plan)
                and not self._file.is_spoiled("actions", name)
            ):
                self._mistakes.add(
                    self._file.key_place("key_purposes", name),
                    f"needless: nothing of {name!r} is pseudonymized",
                )

    def _check_required(self) -> None:
        """Check that the fields without which the vendor's form can't be filled get through."""
        required = {"userId": "pseudonymize", "anonymousId": "pseudonymize", "timestamp": "time_unit"}
        if self._name not in _WITHOUT_EVENT_ID:
            required["messageId"] = "pseudonymize"
        if "group" in self._file.model.calls:
            required["groupId"] = "pseudonymize"
        if "alias" in self._file.model.calls:
            required["previousId"] = "pseudonymize"
        if "actions" in self._file.missing:
            return
        classes = {
            field.dotted: field.form.data_class
            for field in reached_fields(self._plan.model, self._file.model)
        }
        for dotted, needed in required.items():
            if dotted not in classes:
                section = "calls" if dotted == "previousId" else "common"
                if not self._plan.is_spoiled(section):
                    self._mistakes.add(
                        self._plan.key_place(section), f"{dotted!r} is missing: the vendors' forms need it"
                    )
                continue
            data_class = classes[dotted]
            if self._file.is_spoiled("fields", dotted) or self._file.is_spoiled("actions", data_class):
                continue
            if verb(action_for(self._file.model, dotted, data_class)) != needed:
                place = (
                    self._file.key_place("fields", dotted)
                    if dotted in self._file.model.fields
                    else self._file.key_place("actions", data_class)
                    if data_class in self._file.model.actions
                    else self._file.key_place("actions")
                )
                self._mistakes.add(
                    place,
                    f"{dotted!r} needs the action {needed}: {self._name}'s form can't be filled without it",
                )


def is_never_kept(data_class: str, plan: TrackingPlanFile) -> bool:
    """Whether values of a class may not be kept as they are, whatever a policy says."""
    return data_class in plan.identity_classes or any(
        data_class == name or data_class.startswith(f"{name}.") for name in NEVER_KEPT
    )


def check_kept_fields(
    plan: PolicyFile[TrackingPlanFile],
    vendors: Iterable[PolicyFile[VendorFile]],
    mistakes: Mistakes,
) -> None:
    """Check that each field that a vendor's policy keeps has a guard."""
    kept_by: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for file in vendors:
        for field in reached_fields(plan.model, file.model):
            kept = action_for(file.model, field.dotted, field.form.data_class) == "keep"
            if kept and not given_parts(field.form) and not is_never_kept(field.form.data_class, plan.model):
                kept_by[*field.section, field.dotted].add(file.model.vendor)
    for keys, names in kept_by.items():
        if not plan.is_spoiled(*keys):
            mistakes.add(
                plan.key_place(*keys),
                f"{keys[-1]!r} is kept for {', '.join(sorted(names))} but has no guard: "
                "add a type with enum, parts, pattern, max_length, or minimum and maximum",
            )


def check_topics(vendors: Mapping[VendorName, PolicyFile[VendorFile]], mistakes: Mistakes) -> None:
    """Check that each vendor has a topic and an integration of its own."""
    for key in ("topic", "integration"):
        first: dict[str, VendorName] = {}
        for name, file in vendors.items():
            if key in file.missing:
                continue
            value = getattr(file.model, key)
            if value in first:
                mistakes.add(file.value_place(key), f"{value!r} is the {key} of {first[value]} already")
            first.setdefault(value, name)


def _takes_key(action: Action) -> bool:
    return action == "pseudonymize" or (isinstance(action, ScrubForm) and bool(action.scrub.pseudonymize))
