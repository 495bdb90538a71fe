"""Whether what a policy says of entities in texts is sound: thresholds, allow lists, deny lists."""

from typing import Final

from service.policy.entities import GUESSED, Entity
from service.policy.listed_words import why_not_allowed, why_not_denied
from service.policy.mistakes import Mistakes
from service.policy.models import (
    HIGHEST_THRESHOLD,
    LOWEST_SCORE,
    EntitiesForm,
    TrackingPlanFile,
    VendorFile,
)
from service.policy.reading import PolicyFile

#: These say where a value came from or how it was written, not what it is.
_NOT_FOR_LISTS: Final = frozenset({Entity.IDENTITY, Entity.ENCODED})


class EntityCheck:
    """The checks of a file's section `entities`."""

    def __init__(
        self,
        file: PolicyFile[TrackingPlanFile] | PolicyFile[VendorFile],
        mistakes: Mistakes,
        common: EntitiesForm | None = None,
    ) -> None:
        """Nothing is checked yet; `common` is what the tracking plan says, for a vendor's file."""
        self._file = file
        self._mistakes = mistakes
        self._own = file.model.entities
        self._common = common or EntitiesForm()

    def check(self) -> None:
        """Check everything."""
        for entity, threshold in self._own.thresholds.items():
            self._check_threshold(entity, threshold)
        for index, entry in enumerate(self._own.allow):
            self._check_allowed(index, entry)
        seen: set[str] = set()
        for entity, entries in self._own.deny.items():
            if entity in _NOT_FOR_LISTS:
                self._mistakes.add(
                    self._file.key_place("entities", "deny", entity),
                    f"{entity} is no kind of word: say what the words are, such as PERSON or SECRET",
                )
            for index, entry in enumerate(entries):
                self._check_denied(entity, index, entry, seen)
                seen.add(_key(entry))

    def _check_threshold(self, entity: Entity, threshold: float) -> None:
        keys = ("entities", "thresholds", entity)
        if entity not in GUESSED:
            self._mistakes.add(
                self._file.key_place(*keys),
                f"{entity} takes no threshold: patterns and labels find it, and what they find is always "
                f"replaced; a threshold is for {' or '.join(sorted(GUESSED))}",
            )
        elif not LOWEST_SCORE < threshold <= HIGHEST_THRESHOLD:
            self._mistakes.add(
                self._file.value_place(*keys),
                f"a threshold must be above {LOWEST_SCORE}, the lowest score there is, and at most "
                f"{HIGHEST_THRESHOLD}, the score of a name or an address that a text introduces as one",
            )
        elif self._common.thresholds.get(entity) == threshold:
            self._mistakes.add(
                self._file.key_place(*keys), "needless: the tracking plan says the same for all vendors"
            )

    def _check_allowed(self, index: int, entry: str) -> None:
        place = self._file.item_place(index, "entities", "allow")
        problem = why_not_allowed(entry)
        if problem is not None:
            self._mistakes.add(place, f"{entry!r} can't be allowed: {problem}")
        elif _key(entry) in map(_key, self._own.allow[:index]):
            self._mistakes.add(place, f"{entry!r} stands here twice")
        elif _key(entry) in map(_key, self._common.allow):
            self._mistakes.add(place, f"needless: the tracking plan allows {entry!r} for all vendors")
        elif _key(entry) in _denied(self._own) | _denied(self._common):
            self._mistakes.add(place, f"{entry!r} is denied as well, which is stronger: choose one")

    def _check_denied(self, entity: Entity, index: int, entry: str, seen: set[str]) -> None:
        place = self._file.item_place(index, "entities", "deny", entity)
        problem = why_not_denied(entry)
        if problem is not None:
            self._mistakes.add(place, f"{entry!r} can't be denied: {problem}")
        elif _key(entry) in seen:
            self._mistakes.add(place, f"{entry!r} is denied twice")
        elif _denied(self._common).get(_key(entry)) is entity:
            self._mistakes.add(place, f"needless: the tracking plan denies {entry!r} for all vendors")


def _denied(form: EntitiesForm) -> dict[str, Entity]:
    return {_key(entry): entity for entity, entries in form.deny.items() for entry in entries}


def _key(entry: str) -> str:
    return " ".join(entry.casefold().split())
