"""`weir version`."""

from importlib.metadata import version as installed_version

import typer

from service.cli.console import stdout


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def version() -> None:
        """Print Weir's version."""
        stdout.print(f"weir {installed_version('weir')}", highlight=False)
