"""What was measured, for people, programs and as an image."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from rich import box
from rich.console import Console
from rich.table import Table

from service.bench.detection.cases import Figures
from service.bench.detection.chart import Panel, chart
from service.bench.detection.contenders import StockPresidio
from service.bench.detection.labelled import LabelledText, Split
from service.bench.detection.measures import Judged, Tally, share
from service.bench.detection.speed import Speed
from service.bench.machine import machine
from service.events.json_value import JsonObject
from service.policy.entities import Entity

#: Of fewer entities a share says little; they are in the tables, not in the image.
_FEWEST_PLOTTED = 10

Tallies = dict[str, Tally]
_Measure = Callable[[Tally], float | None]


@dataclass(frozen=True, slots=True)
class Result:
    """What one contender did.

    Attributes:
        judged: To each labelled text, in the report's order.
        cases: To each file of cases, by the file's name.
        speed: How fast it was.
    """

    judged: list[Judged]
    cases: dict[str, Figures]
    speed: Speed


@dataclass(frozen=True, slots=True)
class DetectionReport:
    """Everything of one run.

    Attributes:
        texts: The labelled texts.
        speed_texts: How many texts were read for the speeds.
        distinct_share: How many of the mixed ones of them are distinct.
        results: By contender.
    """

    split: Split
    seed: int
    texts: list[LabelledText]
    speed_texts: int
    distinct_share: float
    results: dict[str, Result]

    def by_source(self, contender: str) -> Tallies:
        return self._grouped(contender, lambda text: text.source)

    def by_kind(self, contender: str) -> Tallies:
        return self._grouped(contender, lambda text: text.kind)

    def by_language(self, contender: str) -> Tallies:
        return self._grouped(contender, lambda text: text.language)

    def by_entity(self, contender: str) -> Tallies:
        """Each kind's tally; without words, which are of no kind."""
        tallies: dict[Entity, Tally] = {}
        for judged in self.results[contender].judged:
            for entity, tally in judged.by_entity.items():
                total = tallies.setdefault(entity, Tally())
                total += tally
        return {entity.value: tallies[entity] for entity in Entity if entity in tallies}

    def print(self, console: Console) -> None:
        """Tables; shares are percentages."""
        leaks = (("leaked", _leaked), ("chars", _characters))
        quality = (("recall", _recall), ("prec.", _precision))
        effect = (("leaked", _leaked), ("over", _over))
        self._print(console, "By source", self.by_source, leaks)
        self._print(console, "Harmless words removed", self.by_source, (("", _over),), count=_words)
        self._print_cases(console)
        self._print(console, "By entity: found and right", self.by_entity, quality)
        self._print(console, "By entity: left", self.by_entity, leaks)
        self._print(console, "By language", self.by_language, effect)
        self._print(console, "By kind of text", self.by_kind, effect)
        self._print_speeds(console)
        console.print(
            f"Shares in %, of {len(self.texts):,} generated texts ({self.split} half, seed {self.seed}). "
            "leaked: entities of which enough is left to tell who it is. chars: letters and digits left. "
            "over: harmless words removed. recall, prec.: by spans of the entity's own kind. "
            f"docs/detection.md has the definitions. {machine()}."
        )

    def _print(
        self,
        console: Console,
        title: str,
        group: Callable[[str], Tallies],
        measures: Sequence[tuple[str, _Measure]],
        *,
        count: Callable[[Tally], int] = lambda tally: tally.gold,
    ) -> None:
        tallies = {name: group(name) for name in self.results}
        table = _table(title, "of")
        for name in self.results:
            for number, (heading, _) in enumerate(measures):
                table.add_column(f"{'' if number else _short(name)}\n{heading}".strip("\n"), justify="right")
        for row in _rows(tallies):
            found = [tallies[name].get(row, Tally()) for name in self.results]
            cells = [_percent(measure(tally)) for tally in found for _, measure in measures]
            table.add_row(row, f"{count(found[0]):,}", *cells)
        console.print(table)

    def _print_cases(self, console: Console) -> None:
        files = list(dict.fromkeys(file for result in self.results.values() for file in result.cases))
        if not files:
            return
        for title, count, whole in (
            ("Secrets leaked, by file of cases", "leaked", "secrets"),
            ("Keeps that stayed, by file of cases", "kept", "keeps"),
        ):
            table = _table(title, "of")
            for name in self.results:
                table.add_column(_short(name), justify="right")
            for file in files:
                found = [result.cases[file] for result in self.results.values()]
                shares = [share(getattr(each, count), getattr(each, whole)) for each in found]
                table.add_row(file, f"{getattr(found[0], whole):,}", *map(_percent, shares))
            console.print(table)

    def _print_speeds(self, console: Console) -> None:
        table = _table(f"Texts a second of CPU time: {self.speed_texts:,} of the demo's events")
        for name in self.results:
            table.add_column(_short(name), justify="right")
        base = self.results.get(StockPresidio.name)
        for field, heading in self._speed_rows().items():
            cells = []
            for result in self.results.values():
                rate = getattr(result.speed, field)
                times = ""
                if base is not None and base is not result:
                    times = f" ({rate / getattr(base.speed, field):.1f}x)"
                cells.append(f"{rate:,.0f}{times}")
            table.add_row(heading, *cells)
        console.print(table)

    def _speed_rows(self) -> dict[str, str]:
        return {
            "mixed_alone": f"alone, {self.distinct_share:.0%} distinct",
            "distinct_alone": "alone, all distinct",
            "distinct_together": "together, all distinct",
        }

    def picture(self) -> str:
        """What leaks, what is removed needlessly, and the speed, as SVG."""

        def panel(title: str, group: Callable[[str], Tallies], measure: _Measure) -> Panel:
            tallies = {name: group(name) for name in self.results}
            rows = {
                row: {name: _times_100(measure(tallies[name].get(row, Tally()))) for name in self.results}
                for row in _rows(tallies)
            }
            shown = {
                row: values for row, values in rows.items() if any(v is not None for v in values.values())
            }
            return Panel(title, shown)

        speeds = {
            heading: {name: getattr(result.speed, field) for name, result in self.results.items()}
            for field, heading in self._speed_rows().items()
        }
        return chart(
            list(self.results),
            [
                panel("Entities leaked, by source, %", self.by_source, _leaked),
                panel("Entities leaked, by kind, %", self.by_entity, _leaked_of_many),
                panel("Harmless words removed, by source, %", self.by_source, _over),
                Panel("Texts read in a second of CPU time", speeds),
            ],
        )

    def as_json(self) -> JsonObject:
        groups = {
            "sources": self.by_source,
            "entities": self.by_entity,
            "languages": self.by_language,
            "kinds": self.by_kind,
        }
        return {
            "split": self.split,
            "seed": self.seed,
            "texts": len(self.texts),
            "speed_texts": self.speed_texts,
            "distinct_share": round(self.distinct_share, 4),
            "contenders": {
                name: {
                    **{
                        title: {row: _tally_as_json(tally) for row, tally in group(name).items()}
                        for title, group in groups.items()
                    },
                    "cases": {file: dict(figures._asdict()) for file, figures in result.cases.items()},
                    "texts_per_cpu_second": {
                        field: round(rate, 1) for field, rate in result.speed._asdict().items()
                    },
                }
                for name, result in self.results.items()
            },
            "machine": machine(),
        }

    def _grouped(self, contender: str, key: Callable[[LabelledText], str]) -> Tallies:
        tallies: Tallies = {}
        for text, judged in zip(self.texts, self.results[contender].judged, strict=True):
            total = tallies.setdefault(key(text), Tally())
            total += judged.total
        return tallies


def _leaked(tally: Tally) -> float | None:
    return tally.leaked_share


def _leaked_of_many(tally: Tally) -> float | None:
    return tally.leaked_share if tally.gold >= _FEWEST_PLOTTED else None


def _characters(tally: Tally) -> float | None:
    return tally.leaked_characters


def _over(tally: Tally) -> float | None:
    return tally.over_redacted


def _recall(tally: Tally) -> float | None:
    return tally.recall


def _precision(tally: Tally) -> float | None:
    return tally.precision


def _words(tally: Tally) -> int:
    return tally.words


def _short(contender: str) -> str:
    return contender.rpartition(" ")[2] if contender.startswith("Weir") else contender.partition(" ")[0]


def _table(title: str, *counts: str) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=0)
    table.add_column("", no_wrap=True)
    for heading in counts:
        table.add_column(heading, justify="right")
    return table


def _rows(tallies: Mapping[str, Tallies]) -> list[str]:
    """The rows of all contenders, in the order in which they come."""
    return list(dict.fromkeys(row for groups in tallies.values() for row in groups))


def _times_100(share: float | None) -> float | None:
    return None if share is None else 100 * share


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.1f}"


def _tally_as_json(tally: Tally) -> JsonObject:
    shares = {
        "recall": tally.recall,
        "precision": tally.precision,
        "leaked": tally.leaked_share,
        "leaked_characters": tally.leaked_characters,
        "over_redacted": tally.over_redacted,
    }
    return {
        "entities": tally.gold,
        "spans": tally.spans,
        "words": tally.words,
        **{name: round(share, 4) for name, share in shares.items() if share is not None},
    }
