"""`weir keys`: the key ring from its making to the end of its keys."""

import getpass
import stat
import sys
import time
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.table import Table

from service.cli.console import stderr, stdout
from service.cli.moments import moment
from service.cli.options import Config
from service.errors import ConfigurationError, KeyRingError
from service.events.timestamps import format_timestamp
from service.policy import load
from service.policy.vendor_names import VendorName
from service.pseudonyms import key_life
from service.pseudonyms.key_storage import storage_of
from service.pseudonyms.key_version import KeyVersion
from service.pseudonyms.keyring import KeyRing
from service.sanitize.pseudonym_lookup import Lookup, look_up
from service.settings import PREFIX, load_settings

app = typer.Typer(
    no_args_is_help=True,
    help="Make, change and check the key ring: the secret that all pseudonyms are made with (docs/keys.md).",
)

_VARIABLE: Final = f"{PREFIX}KEYRING_KEK_FILE"
#: A key-encrypting key; where the environment names one, every key ring is wrapped under it.
Kek = Annotated[
    Path | None,
    typer.Option(
        "--kek",
        envvar=_VARIABLE,
        show_envvar=False,
        help=f"File of the key-encrypting key. [default: {_VARIABLE}]",
    ),
]
File = Annotated[Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="The key ring file.")]
VersionId = Annotated[str, typer.Argument(metavar="ID", help="The version's id.")]
From = Annotated[
    str | None, typer.Option("--from", metavar="TIME", help="First event time that the version is for.")
]
Now = Annotated[
    bool,
    typer.Option("--now", help="Begin at this moment, though workers still use the version before."),
]
NewId = Annotated[
    str | None, typer.Option("--id", metavar="ID", help="Its id. [default: the next free k<n>]")
]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]

#: What cannot be done any more with a version's key gone.
_LOST: Final = (
    "no event of that time can be sent again: a replay dead-letters it (key_destroyed)",
    "no user can be looked up in the vendors' data of that time (weir keys pseudonym)",
    "no user's data of that time can be deleted at a vendor by id",
)


@app.command()
def generate(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write; must not exist yet.")],
    kek: Kek = None,
) -> None:
    """Write a new key ring with one random key, readable by its owner alone.

    The key covers events of every age. It is never printed. A file that exists is left as it is. With a
    key-encrypting key the key is wrapped.
    """
    key_life.generate(file, storage_of(kek), created=_now())
    wrapped = "" if kek is None else f", wrapped under the key in {kek}"
    _say(
        f"Wrote {file}, mode 0600: key version k1, for events of every age{wrapped}.",
        "Next: keep a copy in your secret store; without it no pseudonym can ever be made again.",
        f"      Then start Weir with WEIR_KEYRING_FILE={file}" + (f" {_VARIABLE}={kek}" if kek else ""),
    )


@app.command(name="generate-kek")
def generate_kek(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write; must not exist yet.")],
) -> None:
    """Write a new random key-encrypting key, readable by its owner alone."""
    key_life.generate_kek(file)
    _say(
        f"Wrote {file}, mode 0600.",
        "Next: keep it in another secret than the key ring; without it the key ring can't be opened.",
    )


@app.command()
def encrypt(
    file: File,
    kek: Annotated[
        Path, typer.Option("--kek", metavar="KEK", help="File of the key-encrypting key to wrap under.")
    ],
    old_kek: Annotated[
        Path | None, typer.Option("--old-kek", metavar="KEK", help="File of the one it is wrapped under.")
    ] = None,
) -> None:
    """Wrap the keys of a key ring under a key-encrypting key, or under another than before.

    The pseudonyms stay the same. Versions, times and vendors stay readable.
    """
    key_life.rewrap(file, storage_of(old_kek), storage_of(kek))
    _say(
        f"Wrapped the keys of {file} under the key in {kek}.",
        "Next: replace the copies of the file as it was, and delete them: they still open without this key.",
        f"      Then start Weir with {_VARIABLE}={kek}",
    )


@app.command()
def add(file: File, begin: From = None, now: Now = False, version_id: NewId = None, kek: Kek = None) -> None:
    """Add a version for all vendors, from a later event time on: they see new users from then on."""
    if (begin is None) is not now:
        raise typer.BadParameter("give either --from TIME or --now")
    start = None if begin is None else _seconds(begin)
    version = key_life.add(file, storage_of(kek), begin=start, now=_now(), version_id=version_id)
    _say_added(file, version)


@app.command()
def rotate(  # noqa: PLR0917
    file: File,
    vendor: Annotated[VendorName, typer.Option(help="The vendor.")],
    begin: From = None,
    now: Now = False,
    version_id: NewId = None,
    kek: Kek = None,
) -> None:
    """Add a version for one vendor, after a breach there; the other vendors' pseudonyms stay as they are.

    It begins as soon as every worker can have it, unless a time is given.
    """
    if begin is not None and now:
        raise typer.BadParameter("give either --from TIME or --now")
    moment_of_order = _now()
    start = moment_of_order + key_life.TAKE_UP if begin is None else _seconds(begin)
    version = key_life.add(
        file,
        storage_of(kek),
        begin=None if now else start,
        now=moment_of_order,
        vendor=vendor,
        version_id=version_id,
    )
    _say_added(file, version)


@app.command()
def retire(
    file: File,
    version_id: VersionId,
    destroy_after: Annotated[
        str,
        typer.Option("--destroy-after", metavar="TIME", help="When nothing needs it any more."),
    ],
    kek: Kek = None,
) -> None:
    """Note when no replay, look-up or erasure needs a past version any more.

    Nothing else changes. Until then `destroy` refuses it; after that `check` reminds of it.
    """
    moment_of_end = _seconds(destroy_after)
    key_life.retire(file, storage_of(kek), version_id, moment_of_end)
    _say(f"{version_id} may be destroyed from {format_timestamp(moment_of_end)} on.")


@app.command()
def destroy(
    file: File,
    version_id: VersionId,
    yes: Annotated[bool, typer.Option("--yes", help="Do it.")] = False,
    needed: Annotated[
        bool,
        typer.Option("--even-if-needed", help="Also if it is in force, still to come, or not yet due."),
    ] = False,
    kek: Kek = None,
) -> None:
    """Destroy a version's key for good: nothing can be traced back to its pseudonyms any more.

    Without --yes it only says what becomes impossible, and exits with 1.
    """
    storage = storage_of(kek)
    ring, version = key_life.find(file, storage, version_id)
    end = ring.end_of(version)
    until = "on" if end is None else f"to {format_timestamp(end)}"
    span = f"{_vendor(version)}, events from {format_timestamp(version.not_before)} {until}"
    if not yes:
        _say(f"Without the key of {version_id} ({span}):", *(f"- {each}" for each in _LOST))
        _say("Nothing was changed. --yes destroys it, and no command brings it back.")
        raise typer.Exit(1)
    key_life.destroy(file, storage, version_id, now=_now(), needed=needed)
    _say(
        f"Took the key of {version_id} out of {file} ({span}). From now on:",
        *(f"- {each}" for each in _LOST),
        "Not done yet: the key is gone only when it is gone everywhere. The file's former content may still",
        "be on the disk. Replace the copies in secret stores, clusters and backups, and restart the workers.",
    )


@app.command()
def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", exists=True, help="The key ring file.")],
    within: Annotated[
        int, typer.Option("--within", metavar="DAYS", min=0, help="Warn of versions that end so soon.")
    ] = 30,
    as_json: Json = False,
    kek: Kek = None,
) -> None:
    """Check a key ring and list its versions, never its keys. Exit code 1 if anything is wrong.

    Warns, without an effect on the exit code, of versions that end soon, of a key ring that has had no new
    version for a year, and of what is due.
    """
    problems: list[str] = []
    warnings: list[str] = []
    rows: list[dict[str, Any]] = []
    now = _now()
    try:
        ring = KeyRing.load(file, kek)
        rows = [_row(ring, version, now) for version in ring.versions]
        warnings = list(key_life.warnings(ring, now, within))
    except KeyRingError as error:
        problems = str(error).splitlines()
    if as_json:
        answer = {"ok": not problems, "versions": rows, "problems": problems, "warnings": warnings}
        stdout.print_json(data=answer)
    else:
        for problem in problems:
            stderr.print(problem, style="red", markup=False, highlight=False, soft_wrap=True)
        if rows:
            stdout.print(_table(rows))
        for warning in warnings:
            line = f"Warning: {warning}"
            stderr.print(line, style="yellow", markup=False, highlight=False, soft_wrap=True)
        if file.stat().st_mode & stat.S_IROTH:
            stderr.print("Note: every user of this machine can read this file.", style="yellow")
    raise typer.Exit(1 if problems else 0)


@app.command()
def pseudonym(  # noqa: PLR0917
    file: File,
    vendor: Annotated[VendorName, typer.Option(help="The vendor.")],
    data_class: Annotated[
        str, typer.Option("--class", metavar="CLASS", help="The value's data class, such as identifier.user.")
    ],
    at: Annotated[str | None, typer.Option(metavar="TIME", help="Event time. [default: now]")] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Under every version that is for the vendor, with its id in front.")
    ] = False,
    config: Config = None,
    kek: Kek = None,
) -> None:
    """Print what a vendor knows a value as. The value comes from stdin and is shown nowhere.

    Example: printf %s usr_5513xw | weir keys pseudonym FILE --vendor mixpanel --class identifier.user
    """
    if every and at is not None:
        raise typer.BadParameter("give either --at or --all")
    timestamp = _now() if at is None else _seconds(at)
    policy = load(config or load_settings().config_dir)
    ring = KeyRing.load(file, kek)
    found = look_up(_value(), policy, ring, vendor=vendor, data_class=data_class)
    if every:
        for each in found:
            typer.echo(f"{each.version.id}\t{each.pseudonym or 'destroyed'}")
    else:
        typer.echo(_of_version(found, ring.version_at(vendor, timestamp), timestamp))


def _of_version(found: tuple[Lookup, ...], version: KeyVersion | None, timestamp: int) -> str:
    if version is None:
        raise ConfigurationError(f"no version is for events of {format_timestamp(timestamp)}")
    pseudonym = next(each.pseudonym for each in found if each.version is version)
    if pseudonym is None:
        raise ConfigurationError(
            f"{version.id}, which is for events of {format_timestamp(timestamp)}, was destroyed"
        )
    return pseudonym


def _value() -> str:
    """The value on stdin, without the end of its line; typed in, it is not echoed."""
    if sys.stdin.isatty():
        value = getpass.getpass("Value (not shown): ")
    else:
        try:
            value = sys.stdin.buffer.read().decode().removesuffix("\n")
        except UnicodeDecodeError:
            raise typer.BadParameter("what is on stdin is not UTF-8") from None
    if not value:
        raise typer.BadParameter("there is no value on stdin")
    return value


def _row(ring: KeyRing, version: KeyVersion, now: int) -> dict[str, Any]:
    end = ring.end_of(version)
    times = {
        "not_before": version.not_before,
        "until": end,
        "created": version.created,
        "destroy_after": version.destroy_after,
        "destroyed": version.destroyed,
    }
    return {
        "id": version.id,
        "vendor": version.vendor,
        "state": key_life.state_of(ring, version, now).value,
        **{name: None if at is None else format_timestamp(at) for name, at in times.items()},
    }


def _table(rows: list[dict[str, Any]]) -> Table:
    table = Table("version", "for", title="Key ring: ok", title_justify="left")
    for heading in ("events from", "until"):
        table.add_column(heading, no_wrap=True)
    table.add_column("state")
    for row in rows:
        state = row["state"] + (", retired" if row["destroy_after"] else "")
        table.add_row(row["id"], row["vendor"] or "all", row["not_before"], row["until"] or "-", state)
    return table


def _say_added(file: Path, version: KeyVersion) -> None:
    begin = format_timestamp(version.not_before)
    _say(
        f"Added {version.id} to {file}: for {_vendor(version)}, events from {begin} on.",
        "Next: keep a copy in your secret store, and put the file where the workers read it. They take it up",
        "      without a restart; see that weir_keyring_stale is 0 for each of them before it begins.",
    )


def _vendor(version: KeyVersion) -> str:
    return "all vendors" if version.vendor is None else version.vendor.value


def _seconds(text: str) -> int:
    """A moment on the command line, in whole seconds."""
    return moment(text) // 1000


def _now() -> int:
    return int(time.time())


def _say(*lines: str) -> None:
    for line in lines:
        stdout.print(line, markup=False, highlight=False, soft_wrap=True)
