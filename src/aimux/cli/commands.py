"""The commands with their options and help. Each one's module is imported when it is called: none pays for another."""

from pathlib import Path
from typing import Annotated, NoReturn

import typer

from aimux.cli.audit_commands import SinceOption, UntilOption
from aimux.cli.audit_commands import app as audit
from aimux.cli.defaults import DEFAULT_CONFIG
from aimux.cli.model_commands import app as model

app = typer.Typer(
    name="aimux",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _examples(*lines: str) -> str:
    """Lines under a heading, kept as they are."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


ConfigOption = Annotated[Path, typer.Option("--config", "-c", metavar="FILE", help="Configuration file.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object instead.")]
LabelledArgument = Annotated[
    Path,
    typer.Argument(
        metavar="LABELLED",
        help="JSON lines (- for standard input) or CSV: `text`, `route` (empty: out of scope), perhaps a `kind`.",
        show_default=False,
    ),
]
StrictOption = Annotated[bool, typer.Option("--strict", help="Fail where the routes have errors.")]


@app.callback(
    invoke_without_command=True,
    epilog=_examples("aimux check aimux.yaml", "aimux --config aimux.yaml"),
)
def _root(
    context: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option("--config", "-c", metavar="FILE", help="Run the gateway with this file, as `aimux run` does."),
    ] = None,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Govern the traffic of AI agents: who may reach what, by what a request means."""
    command = context.invoked_subcommand
    if version:
        print_version()
    elif command is not None and config is not None:
        context.fail(f"write --config behind the command: aimux {command} --config {config}")
    elif config is not None:
        run(config)
    elif command is None:
        typer.echo(context.get_help())


@app.command(epilog=_examples("aimux run", "aimux run --config /etc/aimux/aimux.yaml"))
def run(config: ConfigOption = DEFAULT_CONFIG, strict: StrictOption = False) -> None:
    """Run the gateway until Ctrl-C or SIGTERM.

    What is wrong with the routes is logged once it serves, or with --strict
    keeps it from serving.
    """
    from aimux.cli.run import run as command

    _leave(command(config, strict=strict))


@app.command(epilog=_examples("aimux check", "aimux check --json staging.yaml"))
def check(
    config: Annotated[Path, typer.Argument(metavar="CONFIG", help="Configuration file.")] = DEFAULT_CONFIG,
    strict: StrictOption = False,
    as_json: JsonOption = False,
) -> None:
    """Check a configuration and report every problem.

    Each problem comes with its line and a remedy. Exits with 0 where there is
    none and with 2 otherwise. Where the model is there, routes and guards are
    looked at too, as by `aimux lint`. Nothing is started.
    """
    from aimux.cli.check import check as command

    _leave(command(config, strict=strict, as_json=as_json))


@app.command(epilog=_examples("aimux lint", "aimux lint --strict --config staging.yaml"))
def lint(config: ConfigOption = DEFAULT_CONFIG, strict: StrictOption = False, as_json: JsonOption = False) -> None:
    """Say what is wrong with the routes and guards.

    Finds routes that overlap, that greetings reach or that nothing reaches,
    and guards that refuse what a route is there for, each with what to do.
    Exits with 1 where there are errors and --strict is given.
    """
    from aimux.cli.lint import lint as command

    _leave(command(config, strict=strict, as_json=as_json))


@app.command(
    epilog=_examples(
        'aimux route "analyze the budget" --as finance-bot',
        'aimux route "what is 50 times 3" --explain',
        "aimux route --batch texts.jsonl --scores",
    )
)
def route(
    *,
    text: Annotated[str | None, typer.Argument(metavar="TEXT", help="What a request says.", show_default=False)] = None,
    agent: Annotated[
        str | None, typer.Option("--as", metavar="AGENT", help="The agent that asks; nobody in particular if left out.")
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    batch: Annotated[
        Path | None,
        typer.Option(
            "--batch",
            metavar="FILE",
            help='JSON lines {"text": ..., "agent": ...} instead of TEXT; - for standard input.',
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead.")] = False,
    scores: Annotated[bool, typer.Option("--scores", help="With --batch, give the scores of all routes.")] = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say why: what the text was near to, every gate, what would change it.")
    ] = False,
) -> None:
    """Say what the gateway would do with a text.

    Shows the scores of the routes, the verdict and the rule that decided, and
    with --explain how it came about. Nothing is forwarded.
    """
    if (text is None) == (batch is None):
        raise typer.BadParameter("give a TEXT or --batch FILE, one of the two")
    if explain and batch is not None:
        raise typer.BadParameter("--explain is for one TEXT: leave out --batch, or --explain")
    from aimux.cli.route import route as command

    _leave(command(text, agent, config, batch, as_json=as_json, scores=scores, explain=explain))


@app.command(
    "eval", epilog=_examples("aimux eval labelled.jsonl", "aimux eval labelled.csv --json --config staging.yaml")
)
def evaluate(
    *,
    labelled: LabelledArgument,
    config: ConfigOption = DEFAULT_CONFIG,
    show: Annotated[int, typer.Option("--show", metavar="N", min=0, help="So many rows that were not right.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object with every figure and row.")] = False,
) -> None:
    """Measure how well texts find their routes.

    Tries each labelled text on the configuration and prints, with intervals: how
    many are decided right and wrong, how well scores tell texts in scope from
    texts out of scope, and which rows went wrong. Nothing is forwarded.
    """
    from aimux.cli.eval import evaluate as command

    _leave(command(labelled, config, as_json=as_json, show=show))


@app.command(
    epilog=_examples(
        "aimux tune labelled.jsonl --false-forwards 2",
        "aimux tune labelled.jsonl | patch aimux.yaml",
    )
)
def tune(
    *,
    labelled: LabelledArgument,
    config: ConfigOption = DEFAULT_CONFIG,
    false_forwards: Annotated[
        float,
        typer.Option(
            "--false-forwards",
            metavar="PERCENT",
            help="The wanted rate: how many of all rows may be forwarded to a route that is not theirs.",
        ),
    ] = 1.0,
    lower_ambiguity: Annotated[
        bool, typer.Option("--lower-ambiguity", help="Let the ambiguity_threshold become lower than it is.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object with the patch in it.")] = False,
) -> None:
    """Find thresholds from labelled texts.

    Proposes each route's min_score and the ambiguity_threshold, says what they
    come to on rows that were not fitted, with intervals, what they let through
    that is not today, and prints a patch of the configuration. Exits with 1 where the rows are too few and with 3 where
    the wanted rate is not met. Nothing is written.
    """
    from aimux.cli.tune import tune as command

    options = {"lower_ambiguity": lower_ambiguity, "as_json": as_json}
    _leave(command(labelled, config, false_forwards=false_forwards, **options))


@app.command(
    epilog=_examples(
        "aimux replay audit --config new.yaml",
        "aimux replay audit --config new.yaml --before aimux.yaml --since 7d",
        "aimux replay week.jsonl --config new.yaml --json",
    )
    + "\n\n\b\nExit codes:\n"
    "  0  nothing would be decided otherwise, and all was judged\n"
    "  1  something would be decided otherwise\n"
    "  2  nothing could be judged: what is wrong is said on standard error\n"
    "  3  nothing is known to change, but some requests could not be judged"
)
def replay(
    *,
    source: Annotated[
        Path,
        typer.Argument(
            metavar="AUDIT",
            help="Folder of an audit log, or a file that `aimux audit export --format jsonl` wrote.",
            show_default=False,
        ),
    ],
    config: Annotated[
        Path, typer.Option("--config", "-c", metavar="NEW", help="Configuration to decide by.")
    ] = DEFAULT_CONFIG,
    before: Annotated[
        list[Path] | None,
        typer.Option(
            "--before",
            metavar="OLD",
            help="Configuration that decided then, which proves more; may be given several times.",
        ),
    ] = None,
    since: SinceOption = None,
    until: UntilOption = None,
    show: Annotated[int, typer.Option("--show", metavar="N", min=0, help="So many examples of what changes.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """Say what a new configuration would decide otherwise.

    Decides each request of an audit log again, by what was recorded of it, and
    prints what would change, what is newly allowed first. Requests of which
    too little was recorded are counted, with the reason. Nothing is forwarded.
    """
    from aimux.cli.replay import replay as command

    given = {name: value for name, value in (("since", since), ("until", until)) if value is not None}
    _leave(command(source, config, before or [], given, as_json=as_json, show=show))


app.add_typer(model, name="model")
app.add_typer(audit, name="audit")


@app.command(epilog=_examples("aimux demo"))
def demo(as_json: Annotated[bool, typer.Option("--json", help="Print JSON lines instead of a table.")] = False) -> None:
    """Play a story with a gateway and example agents.

    Shows each step: who asks, what, what was expected and what came. Exits with
    1 where anything came out otherwise than expected.
    """
    from aimux.cli.demo import demo as command

    _leave(command(as_json=as_json))


@app.command(epilog=_examples("aimux schema > aimux.schema.json"))
def schema() -> None:
    """Print the JSON Schema of the configuration."""
    from aimux.cli.schema import schema as command

    _leave(command())


@app.command(epilog=_examples("aimux openapi > aimux.openapi.json"))
def openapi() -> None:
    """Print the OpenAPI description of the management endpoints."""
    from aimux.cli.openapi import openapi as command

    _leave(command())


@app.command("version", epilog=_examples("aimux version"))
def print_version() -> None:
    """Print the version."""
    from aimux.cli.version import version as command

    _leave(command())


def _leave(code: int) -> NoReturn:
    raise typer.Exit(code)
