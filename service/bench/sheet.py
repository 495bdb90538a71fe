"""A table of figures that can be shown on a terminal and in a page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from rich import box
from rich.console import Console
from rich.table import Table

#: Columns of the terminal for the rows' names, so that tables below each other are alike.
_NAMES: Final = 26


@dataclass(frozen=True, slots=True)
class Sheet:
    """Rows of figures by name.

    Attributes:
        title: What is shown, and in which unit.
        columns: Headings of the figures.
        rows: By name, the figures as they are to be read.
    """

    title: str
    columns: Sequence[str]
    rows: Mapping[str, Sequence[str]]

    def print(self, console: Console) -> None:
        table = Table(title=self.title, title_justify="left", box=box.SIMPLE_HEAD)
        table.add_column("", min_width=_NAMES)
        for heading in self.columns:
            table.add_column(heading, justify="right")
        for name, cells in self.rows.items():
            table.add_row(name, *cells)
        console.print(table)

    def markdown(self) -> str:
        """The same for a page, its title as a line of its own."""
        head = f"| | {' | '.join(self.columns)} |\n|---|{'---:|' * len(self.columns)}"
        body = "\n".join(f"| {name} | {' | '.join(cells)} |" for name, cells in self.rows.items())
        return f"**{self.title}**\n\n{head}\n{body}\n"
