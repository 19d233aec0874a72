"""The commands that measure a configuration: on labelled texts, and on what was recorded."""

from pathlib import Path
from typing import Annotated

import typer

from aimux.cli.audit_commands import SinceOption, UntilOption
from aimux.cli.options import ConfigOption, FileArgument, JsonOption, configuration, examples, leave

app = typer.Typer()

LabelledArgument = Annotated[
    Path,
    typer.Argument(
        metavar="LABELLED",
        help="JSON lines (- for standard input) or CSV: `text`, `route` (empty: out of scope), perhaps a `kind`.",
        show_default=False,
    ),
]


@app.command(
    "eval", epilog=examples("aimux eval labelled.jsonl", "aimux eval labelled.csv --json --config staging.yaml")
)
def evaluate(
    *,
    labelled: LabelledArgument,
    file: FileArgument = None,
    config: ConfigOption = None,
    show: Annotated[int, typer.Option("--show", metavar="N", min=0, help="So many rows that were not right.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object with every figure and row.")] = False,
) -> None:
    """Measure how well texts find their routes.

    Tries each labelled text on the configuration and prints, with intervals: how
    many are decided right and wrong, how well scores tell texts in scope from
    texts out of scope, and which rows went wrong. Nothing is forwarded.
    """
    from aimux.cli.eval import evaluate as command

    leave(command(labelled, configuration(file, config), as_json=as_json, show=show))


@app.command(
    epilog=examples(
        "aimux tune labelled.jsonl --false-forwards 2",
        "aimux tune labelled.jsonl | patch aimux.yaml",
    )
)
def tune(
    *,
    labelled: LabelledArgument,
    file: FileArgument = None,
    config: ConfigOption = None,
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
    leave(command(labelled, configuration(file, config), false_forwards=false_forwards, **options))


@app.command(
    epilog=examples(
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
    file: FileArgument = None,
    config: ConfigOption = None,
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
    leave(command(source, configuration(file, config), before or [], given, as_json=as_json, show=show))
