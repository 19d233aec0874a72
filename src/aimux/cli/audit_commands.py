"""The `aimux audit` commands with their options and help."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from aimux.cli.options import ConfigOption, FileArgument, configuration, examples, leave

app = typer.Typer(help="Read and verify the record of who reached what.", rich_markup_mode=None, no_args_is_help=True)


class Format(StrEnum):
    """What an export is written as."""

    JSONL = "jsonl"
    CSV = "csv"
    OTLP = "otlp"


PathOption = Annotated[
    Path | None, typer.Option("--path", metavar="FOLDER", help="Read the log in this folder instead of the configured.")
]
AgentOption = Annotated[
    str | None, typer.Option(metavar="NAME", help="Only this agent; (anonymous) and (unidentified) are names too.")
]
RouteOption = Annotated[str | None, typer.Option(metavar="NAME", help="Only this route; (none) where there was none.")]
VerdictOption = Annotated[
    str | None, typer.Option(metavar="CODE", help="Only this verdict, such as forward; refused for every refusal.")
]
TextOption = Annotated[str | None, typer.Option(metavar="TEXT", help="Only texts that contain this, in any case.")]
RequestOption = Annotated[str | None, typer.Option("--request-id", metavar="ID", help="Only this request.")]
TraceOption = Annotated[str | None, typer.Option("--trace-id", metavar="ID", help="Only this trace.")]
SinceOption = Annotated[
    str | None, typer.Option(metavar="TIME", help="From then on: 15m, 24h, 7d (ago), or 2026-01-31T12:00:00Z.")
]
UntilOption = Annotated[str | None, typer.Option(metavar="TIME", help="Until then, written in the same way.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON lines instead.")]


@app.command(epilog=examples("aimux audit tail -f", "aimux audit tail -n 100 --verdict refused"))
def tail(
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with each request as it ends.")] = False,
    count: Annotated[int, typer.Option("--lines", "-n", min=0, help="So many of the last requests first.")] = 20,
    agent: AgentOption = None,
    route: RouteOption = None,
    verdict: VerdictOption = None,
    text: TextOption = None,
    as_json: JsonOption = False,
    file: FileArgument = None,
    config: ConfigOption = None,
    path: PathOption = None,
) -> None:
    """Show the last requests, and new ones as they come."""
    from aimux.cli import audit

    given = _given(agent=agent, route=route, verdict=verdict, text=text)
    leave(audit.tail(_configuration(file, config), path, given, count, follow=follow, as_json=as_json))


@app.command(
    epilog=examples(
        "aimux audit query --agent finance-bot --since 24h",
        "aimux audit query --verdict refused --text database --json",
    )
)
def query(
    *,
    agent: AgentOption = None,
    route: RouteOption = None,
    verdict: VerdictOption = None,
    text: TextOption = None,
    request_id: RequestOption = None,
    trace_id: TraceOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, the newest.")] = 50,
    as_json: JsonOption = False,
    file: FileArgument = None,
    config: ConfigOption = None,
    path: PathOption = None,
) -> None:
    """Find requests, the newest first."""
    from aimux.cli import audit

    given = _given(agent=agent, route=route, verdict=verdict, text=text, since=since, until=until)
    given |= _given(request_id=request_id, trace_id=trace_id)
    leave(audit.query(_configuration(file, config), path, given, limit, as_json=as_json))


@app.command(epilog=examples("aimux audit verify", "aimux audit verify --public-key /safe/aimux.pub.pem"))
def verify(
    *,
    public_key: Annotated[
        Path | None,
        typer.Option("--public-key", metavar="FILE", help="PEM file to check signatures with, from a safe place."),
    ] = None,
    checkpoints: Annotated[
        Path | None,
        typer.Option(
            "--checkpoints", metavar="FILE", help="Second file of checkpoints; audit.checkpoint_to if left out."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead.")] = False,
    file: FileArgument = None,
    config: ConfigOption = None,
    path: PathOption = None,
) -> None:
    """Check every record and every signature.

    Exits with 0 where the log is whole, and with 1 where it is not: then
    the first bad record of each chain is named, and why it is bad.
    """
    from aimux.cli import audit

    leave(audit.verify(_configuration(file, config), path, public_key, checkpoints, as_json=as_json))


@app.command(
    epilog=examples(
        "aimux audit export --format csv --since 7d > week.csv", "aimux audit export --format otlp --verdict refused"
    )
)
def export(
    *,
    form: Annotated[
        Format, typer.Option("--format", help="JSON lines, a table, or OpenTelemetry logs.")
    ] = Format.JSONL,
    agent: AgentOption = None,
    route: RouteOption = None,
    verdict: VerdictOption = None,
    text: TextOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    file: FileArgument = None,
    config: ConfigOption = None,
    path: PathOption = None,
) -> None:
    """Write requests to standard output, the oldest first."""
    from aimux.cli import audit

    given = _given(agent=agent, route=route, verdict=verdict, text=text, since=since, until=until)
    leave(audit.export(_configuration(file, config), path, given, form.value))


@app.command(epilog=examples("aimux audit stats --since 24h", "aimux audit stats --agent finance-bot --json"))
def stats(
    *,
    since: Annotated[str, typer.Option(metavar="TIME", help="From then on: 15m, 24h, 7d (ago), or a moment.")] = "24h",
    until: UntilOption = None,
    agent: AgentOption = None,
    route: RouteOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead.")] = False,
    file: FileArgument = None,
    config: ConfigOption = None,
    path: PathOption = None,
) -> None:
    """Sum up who asked what of whom, and how long it took."""
    from aimux.cli import audit

    given = _given(since=since, until=until, agent=agent, route=route)
    leave(audit.stats(_configuration(file, config), path, given, as_json=as_json))


@app.command("commands", epilog=examples("aimux audit commands", "aimux audit commands --since 24h --json"))
def of_operators(
    *,
    since: SinceOption = None,
    as_json: JsonOption = False,
    file: FileArgument = None,
    config: ConfigOption = None,
    path: PathOption = None,
) -> None:
    """Show what operators commanded, the oldest first.

    What was refused to them is shown as well.
    """
    from aimux.cli import audit

    leave(audit.commands(_configuration(file, config), path, since, as_json=as_json))


def _given(**options: str | None) -> dict[str, str]:
    return {name: value for name, value in options.items() if value is not None}


def _configuration(file: Path | None, config: Path | None) -> Path:
    """The configuration that names the log. Raises BadParameter for the log itself."""
    if file is not None and file.is_dir():
        raise typer.BadParameter(f"{file} is a folder: name that of a log by --path {file}")
    return configuration(file, config)
