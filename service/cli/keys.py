"""`weir keys`: make and check the key ring."""

import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from service.cli.console import stderr, stdout
from service.errors import KeyRingError
from service.pseudonyms import keyring

app = typer.Typer(
    no_args_is_help=True,
    help="Make and check the key ring: the secret that all pseudonyms are made with (docs/keys.md).",
)


@app.command()
def generate(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write; must not exist yet.")],
) -> None:
    """Write a new key ring with one random key, readable by its owner alone.

    The key covers events of every age. It is never printed. A file that exists is left as it is.
    """
    keyring.generate(file)
    for line in (
        f"Wrote {file}, mode 0600: key version k1, for events of every age.",
        "Next: keep a copy in your secret store; without it no pseudonym can ever be made again.",
        f"      Then start Weir with WEIR_KEYRING_FILE={file}",
    ):
        stdout.print(line, markup=False, highlight=False, soft_wrap=True)


@app.command()
def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", exists=True, help="The key ring file.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Check a key ring and list its versions, never its keys. Exit code 1 if anything is wrong."""
    try:
        versions = keyring.KeyRing.load(file).versions
        problems: list[str] = []
    except KeyRingError as error:
        versions = ()
        problems = str(error).splitlines()
    rows = [(version.id, datetime.fromtimestamp(version.not_before, UTC)) for version in versions]
    if as_json:
        listed = [{"id": name, "not_before": start.strftime(keyring.TIME_FORMAT)} for name, start in rows]
        stdout.print_json(data={"ok": not problems, "versions": listed, "problems": problems})
    else:
        for problem in problems:
            stderr.print(problem, style="red", markup=False, highlight=False, soft_wrap=True)
        if rows:
            table = Table("version", "for events from", title="Key ring: ok", title_justify="left")
            for name, start in rows:
                table.add_row(name, start.strftime(keyring.TIME_FORMAT))
            stdout.print(table)
        if file.stat().st_mode & stat.S_IROTH:
            stderr.print("Note: every user of this machine can read this file.", style="yellow")
    raise typer.Exit(1 if problems else 0)
