"""The commands with their options and help. Each one's module is imported when it is called: none pays for another."""

from pathlib import Path
from typing import Annotated

import typer

from aimux.cli.audit_commands import app as audit
from aimux.cli.model_commands import app as model
from aimux.cli.operator_commands import app as operators
from aimux.cli.options import ConfigOption, FileArgument, JsonOption, configuration, examples, leave
from aimux.cli.study_commands import app as study

app = typer.Typer(
    name="aimux",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


StrictOption = Annotated[bool, typer.Option("--strict", help="Fail where the routes have errors.")]


@app.callback(
    invoke_without_command=True,
    epilog=examples("aimux check aimux.yaml", "aimux --config aimux.yaml"),
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
        run(config=config)
    elif command is None:
        typer.echo(context.get_help())


@app.command(epilog=examples("aimux run", "aimux run /etc/aimux/aimux.yaml"))
def run(file: FileArgument = None, config: ConfigOption = None, strict: StrictOption = False) -> None:
    """Run the gateway until Ctrl-C or SIGTERM.

    What is wrong with the routes is logged once it serves, or with --strict
    keeps it from serving.
    """
    from aimux.cli.run import run as command

    leave(command(configuration(file, config), strict=strict))


@app.command("reload", epilog=examples("aimux reload", "aimux reload --at http://10.0.0.5:9090"))
def reload_gateway(
    file: FileArgument = None,
    config: ConfigOption = None,
    at: Annotated[
        str | None,
        typer.Option(
            "--at",
            metavar="ADDRESS",
            help="URL or unix:PATH of the gateway; the Unix socket in its state folder if left out.",
            show_default=False,
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Have the running gateway read its configuration again.

    Prints what has changed. Where anything is wrong with the file, all stays as
    it was, and what is wrong is printed. Elsewhere than on its Unix socket the
    gateway wants the token of an operator, in AIMUX_OPERATOR_TOKEN. Exits with
    0 where the configuration is in force.
    """
    from aimux.cli.reload import reload as command

    leave(command(configuration(file, config), at, as_json=as_json))


@app.command(epilog=examples("aimux check", "aimux check --json staging.yaml"))
def check(
    file: FileArgument = None,
    config: ConfigOption = None,
    strict: StrictOption = False,
    as_json: JsonOption = False,
) -> None:
    """Check a configuration and report every problem.

    Each problem comes with its line and a remedy. Exits with 0 where there is
    none and with 2 otherwise, also where the model is missing that the gateway
    needs. Routes and guards are looked at too, as by `aimux lint`. Nothing is
    started.
    """
    from aimux.cli.check import check as command

    leave(command(configuration(file, config), strict=strict, as_json=as_json))


@app.command(epilog=examples("aimux lint", "aimux lint --strict staging.yaml"))
def lint(
    file: FileArgument = None,
    config: ConfigOption = None,
    strict: StrictOption = False,
    as_json: JsonOption = False,
) -> None:
    """Say what is wrong with the routes and guards.

    Finds routes that overlap, that greetings reach or that nothing reaches,
    and guards that refuse what a route is there for, each with what to do.
    Exits with 1 where there are errors and --strict is given.
    """
    from aimux.cli.lint import lint as command

    leave(command(configuration(file, config), strict=strict, as_json=as_json))


@app.command(
    epilog=examples(
        'aimux route "analyze the budget" --as finance-bot',
        'aimux route "analyze the budget" staging.yaml --explain',
        "aimux route --batch texts.jsonl --scores",
    )
)
def route(
    *,
    text: Annotated[str | None, typer.Argument(metavar="TEXT", help="What a request says.", show_default=False)] = None,
    agent: Annotated[
        str | None, typer.Option("--as", metavar="AGENT", help="The agent that asks; nobody in particular if left out.")
    ] = None,
    file: FileArgument = None,
    config: ConfigOption = None,
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
        raise typer.BadParameter(
            "give a TEXT or --batch FILE, one of the two, and with a batch the configuration by --config"
        )
    if explain and batch is not None:
        raise typer.BadParameter("--explain is for one TEXT: leave out --batch, or --explain")
    from aimux.cli.route import route as command

    leave(command(text, agent, configuration(file, config), batch, as_json=as_json, scores=scores, explain=explain))


app.registered_commands += study.registered_commands
app.add_typer(model, name="model")
app.add_typer(operators, name="operators")
app.add_typer(audit, name="audit")


@app.command(epilog=examples("aimux demo"))
def demo(as_json: Annotated[bool, typer.Option("--json", help="Print JSON lines instead of a table.")] = False) -> None:
    """Play a story with a gateway and example agents.

    Shows each step: who asks, what, what was expected and what came. Exits with
    1 where anything came out otherwise than expected.
    """
    from aimux.cli.demo import demo as command

    leave(command(as_json=as_json))


@app.command(epilog=examples("aimux schema > aimux.schema.json"))
def schema() -> None:
    """Print the JSON Schema of the configuration."""
    from aimux.cli.schema import schema as command

    leave(command())


@app.command(epilog=examples("aimux openapi > aimux.openapi.json"))
def openapi() -> None:
    """Print the OpenAPI description of the management endpoints."""
    from aimux.cli.openapi import openapi as command

    leave(command())


@app.command("version", epilog=examples("aimux version"))
def print_version() -> None:
    """Print the version."""
    from aimux.cli.version import version as command

    leave(command())
