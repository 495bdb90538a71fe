"""The tables that show a policy and what it does to an event."""

from rich import box
from rich.table import Table
from rich.text import Text


def titled_table(title: str | Text, *headings: str) -> Table:
    """An empty table without a frame; long cells go on in the next line."""
    table = Table(
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        padding=(0, 1, 0, 0),
        header_style="bold",
        title=title,
        title_justify="left",
        title_style="bold",
    )
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table
