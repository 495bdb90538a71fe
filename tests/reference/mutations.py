"""Small mistakes put into the compiler's source, to see that the comparison notices each of them."""

import importlib
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import CodeType, ModuleType
from typing import Final, NamedTuple

from service.sanitize.sanitizer import Sanitizer

#: Modules of the compiled form are loaded anew for each mutation, as they hold on to each other. What the
#: outcomes are made of stays, so that they can be compared.
_PACKAGES: Final = ("service.sanitize.", "service.vendors.")
_KEPT: Final = frozenset(
    {"service.sanitize.outcomes", "service.sanitize.gate_patterns", "service.vendors.form"}
)


class Mutation(NamedTuple):
    """A mistake.

    Attributes:
        name: What goes wrong.
        module: Where, below `service`.
        old: A piece of the module's source that stands there once.
        new: What takes its place.
        seed: Of a policy with which it is soon noticed; that of another one at most takes longer.
    """

    name: str
    module: str
    old: str
    new: str
    seed: int


MUTATIONS: Final = (
    Mutation(
        "a text of 37 characters counts as short",
        "vendors.layout",
        "if len(value) > SHORT:",
        "if len(value) > SHORT + 1:",
        32,
    ),
    Mutation(
        "a text of 101 characters counts as one that GA4 alone cuts",
        "vendors.layout",
        "if len(value) <= MEDIUM else",
        "if len(value) <= MEDIUM + 1 else",
        34,
    ),
    Mutation(
        "long texts are not cut",
        "vendors.layout",
        "frozenset(Nature) - {Nature.LONG_TEXT, Nature.LONG_LIST, Nature.NO_VALUE}",
        "frozenset(Nature) - {Nature.LONG_LIST, Nature.NO_VALUE}",
        29,
    ),
    Mutation("lists have one item more", "vendors.layout", "value[:MAX_ITEMS]", "value[: MAX_ITEMS + 1]", 31),
    Mutation(
        "1971 begins a second later",
        "vendors.layout",
        "if seconds >= YEAR_1971 else",
        "if seconds > YEAR_1971 else",
        37,
    ),
    Mutation(
        "switches are told the other way round",
        "vendors.layout",
        '"true" if value else "false"',
        '"false" if value else "true"',
        32,
    ),
    Mutation(
        "a reserved name is given to any field",
        "vendors.places",
        "if name not in self._reserved and not",
        "if not",
        25,
    ),
    Mutation(
        "what a page call says of its page goes elsewhere",
        "vendors.places",
        "_PAGE_PROPERTIES.get(path, path) if on_page else path",
        "path",
        23,
    ),
    Mutation(
        "another field's place is taken for one's own",
        "vendors.places",
        "if same(target[name], slot):",
        "if same(target[name], slot) or True:",
        24,
    ),
    Mutation(
        "the device goes before the visitor",
        "vendors.envelope",
        'slot("anonymousId") or slot("context.device.id")',
        'slot("context.device.id") or slot("anonymousId")',
        30,
    ),
    Mutation(
        "a group's traits are the user's",
        "vendors.amplitude",
        "sections.group_properties if call is CallType.GROUP else",
        "sections.group_properties if call is CallType.ALIAS else",
        24,
    ),
    Mutation(
        "an alias joins the wrong ids",
        "vendors.mixpanel",
        'properties["distinct_id"] = envelope.previous',
        'properties["distinct_id"] = envelope.user',
        25,
    ),
    Mutation(
        "user properties are cut as parameters are",
        "vendors.ga4",
        "slot._replace(conversion=text_or_number(SHORT))",
        "slot",
        34,
    ),
    Mutation(
        "a layout's equalities are not looked at again",
        "sanitize.event_plan",
        "if layout.fits(in_json):",
        "if layout.fits(in_json) or layout.comparisons:",
        24,
    ),
    Mutation(
        "fields go in the order of the event",
        "sanitize.event_plan",
        "key=lambda at: self._leaves[at][0].field,",
        "key=lambda at: at,",
        23,
    ),
    Mutation(
        "a vendor gets what is for another one alone",
        "sanitize.event_plan",
        "(only is None or only == vendor)",
        "(only is None or only >= vendor)",
        23,
    ),
    Mutation(
        "a value in another form is taken for the one before it",
        "sanitize.event_plan",
        "return len(self._leaves) + converted",
        "return len(self._leaves) + max(converted - 1, 0)",
        23,
    ),
    Mutation(
        "a payload is valid if one like it was",
        "sanitize.payload_template",
        "if not taken:",
        "if not taken and not self._example:",
        26,
    ),
    Mutation(
        "two gaps are swapped",
        "sanitize.payload_template",
        "itemgetter(*(gap.source for gap in gaps))",
        "itemgetter(*(gap.source for gap in (*gaps[:-2], *gaps[:-3:-1])))",
        23,
    ),
    Mutation(
        "the gate's first replacement is lost",
        "sanitize.payload_template",
        "for at, other in others.items():",
        "for at, other in [*others.items()][1:]:",
        23,
    ),
    Mutation(
        "vendors with other entity rules share a column",
        "sanitize.plan_compiler",
        "self._columns[rule, vendor, entities] = column",
        "self._columns[rule, vendor] = column",
        30,
    ),
    Mutation(
        "1 and true are one value",
        "sanitize.columns",
        "(type(value), value)",
        "(int, value)",
        26,
    ),
    Mutation(
        "what an open text holds is not looked at",
        "sanitize.columns",
        "_open(shown), clean(shown))\n",
        "(), True)\n",
        23,
    ),
    Mutation(
        "a text found clean stays clean for everybody",
        "sanitize.sanitizer",
        "if scanned and journey.known.may_stand_in(scanned):",
        "if False:",
        26,
    ),
    Mutation(
        "the keys of the first event serve for all",
        "sanitize.columns",
        "if version is not self._version:",
        "if self._version is None:",
        23,
    ),
    Mutation(
        "the gate sees nothing but identity values",
        "sanitize.sanitizer",
        "if not cell.clean or",
        "if",
        24,
    ),
    Mutation(
        "items of lists name nobody",
        "sanitize.identity_tree",
        "elif isinstance(value, list):\n                    for item in _items(value):",
        "elif isinstance(value, list):\n                    for item in ():",
        31,
    ),
    Mutation(
        "a field that may be searched is given to the first of its columns alone",
        "sanitize.collector",
        "for place, family in enumerate(field.scanning):",
        "for place, family in enumerate(field.scanning[:1]):",
        23,
    ),
    Mutation(
        "a number is taken for a text that is remembered",
        "sanitize.collector",
        "if {value}.__class__ is str else None",
        "if True else None",
        23,
    ),
    Mutation(
        "the last of an object's fields is forgotten",
        "sanitize.collector",
        "for key, child in sorted(node.children.items()):\n            value = self._variable()",
        "for key, child in sorted(node.children.items())[:-1] or node.children.items():\n"
        "            value = self._variable()",
        23,
    ),
    Mutation(
        "a switch in another spelling stops nothing",
        "sanitize.routing",
        "if _folded(spelt) == folded",
        "if spelt == name",
        29,
    ),
)


class _Mutating(SourceFileLoader):
    """Compiles a module's source with a mistake in it."""

    def __init__(self, fullname: str, path: str, mutation: Mutation) -> None:
        super().__init__(fullname, path)
        self._mutation = mutation

    def get_code(self, fullname: str) -> CodeType:
        source = self.get_data(self.path).decode("utf-8")
        assert source.count(self._mutation.old) == 1, (
            f"{self._mutation.name!r} has no place any more in {fullname}: write it anew"
        )
        return compile(source.replace(self._mutation.old, self._mutation.new), self.path, "exec")


class _Finder(MetaPathFinder):
    """Finds the module that gets the mistake; of all others it knows nothing."""

    def __init__(self, mutation: Mutation) -> None:
        self._mutation = mutation

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != f"service.{self._mutation.module}":
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        assert spec is not None
        assert spec.origin is not None
        spec.loader = _Mutating(fullname, spec.origin, self._mutation)
        return spec


@contextmanager
def mutated(mutation: Mutation) -> Iterator[type[Sanitizer]]:
    """The sanitizer as it would be with the mistake."""
    held = {name: sys.modules.pop(name) for name in _loaded()}
    finder = _Finder(mutation)
    sys.meta_path.insert(0, finder)
    try:
        yield importlib.import_module("service.sanitize.sanitizer").Sanitizer
    finally:
        sys.meta_path.remove(finder)
        for name in _loaded():
            del sys.modules[name]
        for name, module in held.items():
            package, _, last = name.rpartition(".")
            sys.modules[name] = module
            setattr(sys.modules[package], last, module)


def _loaded() -> list[str]:
    """The modules of the compiled form that are loaded."""
    return [name for name in sys.modules if name.startswith(_PACKAGES) and name not in _KEPT]
