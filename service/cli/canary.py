"""`weir canary`."""

import dataclasses
from typing import Annotated

import typer

from service.cli.console import stderr, stdout
from service.cli.sanitize import sanitizer_config
from service.errors import ConfigurationError
from service.observability.logs import configure_logging
from service.policy import load
from service.policy.vendor_names import VendorName
from service.settings import load_settings
from service.streaming.canary import Flight, fly


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def canary(
        vendor: Annotated[VendorName, typer.Option(help="The vendor that gets it; no other does.")],
        timeout: Annotated[
            float, typer.Option(metavar="SECONDS", min=1, max=3600, help="How long it may take.")
        ] = 60.0,
        as_json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
    ) -> None:
        """Send an invented person's event through the running Weir, and read it back from a vendor's topic.

        It must come back byte for byte as this policy and these keys make it, without a value that was
        planted; exit code 1 if not, 3 if nothing comes. The vendor sees it as an event of an unknown user.
        """
        settings = load_settings()
        configure_logging("warning", settings.log_format)
        policy = load(settings.config_dir).only({vendor})
        if not policy.vendors:
            raise ConfigurationError(f"the policy has no file for {vendor}: name a vendor that it has")
        (plan,) = policy.vendors
        config = dataclasses.replace(sanitizer_config(settings, None, None), vendors=frozenset({vendor}))
        flight = fly(settings, plan, config.load(), timeout=timeout)
        _print(flight, as_json=as_json)
        raise typer.Exit(0 if flight.good else 1)


def _print(flight: Flight, *, as_json: bool) -> None:
    if as_json:
        stdout.print_json(data={**dataclasses.asdict(flight), "good": flight.good})
        return
    stdout.print(f"Sent      {flight.source}", highlight=False, soft_wrap=True)
    stdout.print(f"Came back {flight.topic} after {flight.seconds:.1f} s", highlight=False, soft_wrap=True)
    stdout.print(f"Planted   {flight.planted} values, {flight.leaked} of them seen", highlight=False)
    if flight.same:
        stdout.print("Bytes     as this policy and these keys make them", highlight=False)
    else:
        stderr.print(
            "Bytes     not as this policy and these keys make them: does the worker run with others?",
            style="red", highlight=False, soft_wrap=True,
        )  # fmt: skip
    if flight.leaked:
        stderr.print(f"LEAKED    stop it now: weir breaker open {flight.vendor}", style="red", soft_wrap=True)
