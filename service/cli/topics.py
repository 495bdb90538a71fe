"""`weir topics`."""

import json
from typing import Annotated

import typer
from rich.table import Column, Table

from service.cli.console import stdout
from service.kafka_access import KafkaAccess
from service.policy import load
from service.settings import load_settings
from service.streaming.needed_rights import Task, needed_rights
from service.streaming.rights import Right
from service.streaming.topics import Topics, TopicState, needed_topics

app = typer.Typer(no_args_is_help=True, help="Create or check the Kafka topics that Weir reads and writes.")

Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


@app.command()
def create(
    partitions: Annotated[int, typer.Option(min=1, help="Partitions of each topic that is created.")] = 6,
    replication_factor: Annotated[
        int | None, typer.Option(min=1, help="Copies of each; 3 or the number of brokers unless given.")
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Create nothing; the same as `check`.")] = False,
    as_json: Json = False,
) -> None:
    """Create the topics that are missing: raw, one for each vendor of the policy, dead letters, control.

    Topics that exist are left as they are. Exits 1 if something about them is wrong.
    """
    settings = load_settings()
    topics = needed_topics(settings, load(settings.config_dir))
    with Topics.of(KafkaAccess.of(settings)) as kafka:
        states = (
            kafka.look(topics)
            if check
            else kafka.create(topics, partitions=partitions, replication=replication_factor)
        )
    _report(states, as_json=as_json)


@app.command(name="check")
def check_topics(as_json: Json = False) -> None:
    """Check that the topics exist and are set up soundly; exits 1 if not."""
    settings = load_settings()
    topics = needed_topics(settings, load(settings.config_dir))
    with Topics.of(KafkaAccess.of(settings)) as kafka:
        states = kafka.look(topics)
    _report(states, as_json=as_json)


@app.command()
def acls(
    principal: Annotated[str, typer.Option(help="Whom to allow, for example User:weir.")],
    task: Annotated[Task, typer.Option("--for", help="What they do, by the command's name.")] = Task.WORKER,
    as_json: Json = False,
) -> None:
    """List the least rights that are needed in a Kafka with an authorizer. Asks and changes nothing there."""
    settings = load_settings()
    rights = needed_rights(task, settings, needed_topics(settings, load(settings.config_dir)))
    if not as_json:
        stdout.print(_rights_table(rights, f"{principal} must be allowed from any host"))
        return
    rows = [
        {
            "principal": principal,
            "host": "*",
            "permission": "ALLOW",
            "operation": right.operation.value,
            "resource": right.resource.value,
            "pattern": right.pattern,
            "name": right.name,
        }
        for right in rights
    ]
    stdout.print_json(json.dumps(rows))


def _rights_table(rights: list[Right], title: str) -> Table:
    table = Table("Operation", "Resource", "Pattern", Column("Name", overflow="fold"), title=title)
    for right in rights:
        table.add_row(right.operation, right.resource, right.pattern, right.name)
    return table


def _report(states: list[TopicState], *, as_json: bool) -> None:
    if as_json:
        stdout.print_json(json.dumps([_as_json(state) for state in states]))
    else:
        stdout.print(_table(states))
    if any(state.findings for state in states):
        raise typer.Exit(1)


def _as_json(state: TopicState) -> dict[str, object]:
    return {
        "topic": state.topic.name,
        "role": state.topic.role.value,
        "partitions": state.partitions,
        "replication": state.replication,
        "created": state.created,
        "findings": list(state.findings),
    }


def _table(states: list[TopicState]) -> Table:
    table = Table("Topic", "For", "Partitions", "Copies", "State")
    for state in states:
        good = "created" if state.created else "ok"
        table.add_row(
            state.topic.name,
            state.topic.role,
            str(state.partitions or "-"),
            str(state.replication or "-"),
            "[red]" + "; ".join(state.findings) + "[/]" if state.findings else f"[green]{good}[/]",
        )
    return table
