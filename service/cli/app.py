"""The command line: one typer application, one file for each command group."""

from collections.abc import Sequence

import typer

from service.cli import (
    bench,
    breaker,
    canary,
    dead_letters,
    demo,
    explain,
    keys,
    policy,
    replay,
    sanitize,
    topics,
    version,
    worker,
)
from service.cli.console import stderr
from service.errors import WeirError

app = typer.Typer(
    name="weir",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Weir anonymizes product events on their way from Kafka to the analytics vendors.",
)
for command in (worker, sanitize, explain, canary, demo, bench, version):
    command.register(app)
app.add_typer(policy.app, name="policy")
app.add_typer(keys.app, name="keys")
app.add_typer(topics.app, name="topics")
app.add_typer(replay.app, name="replay")
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(breaker.app, name="breaker")


def run(arguments: Sequence[str]) -> int:
    """Run one command and give its exit code: 0 done, 1 found something, 2 wrong usage, 3 failed."""
    try:
        app(args=list(arguments), prog_name="weir")
    except WeirError as error:
        stderr.print(f"weir: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
        return error.exit_code
    except SystemExit as stop:  # how typer ends a command, with 2 where it was used wrongly
        return stop.code if isinstance(stop.code, int) else 0
    return 0
