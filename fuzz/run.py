"""`python -m fuzz.run`: fuzzes every target for its share of the time, or plays one finding again."""

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from rich.console import Console

from fuzz.session import FuzzError, fuzz
from fuzz.targets import TARGETS


def main(arguments: Sequence[str]) -> int:
    """Run; the exit code. The first finding stops it."""
    options = _parser().parse_args(arguments)
    tell, warn = (
        partial(console.print, markup=False, highlight=False, soft_wrap=True)
        for console in (Console(), Console(stderr=True))
    )
    try:
        if options.again is not None:
            play_again(options.again)
            tell("nothing is wrong with this input any more")
            return 0
        chosen = [TARGETS[options.target]] if options.target else list(TARGETS.values())
        for target in chosen:
            result = fuzz(target, max(options.seconds // len(chosen), 1))
            tell(str(result))
            if result.finding is not None:
                warn(f"\n{result.finding}")
                return 1
    except FuzzError as error:
        warn(f"fuzz: {error}")
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


def play_again(path: Path) -> None:
    """Give a saved input to its target once more, without atheris: whatever is raised shows. Raises FuzzError, too."""
    target = next((target for name, target in TARGETS.items() if path.name.startswith(f"{name}-")), None)
    if target is None:
        raise FuzzError(f"{path.name} does not begin with the name of a target: {', '.join(TARGETS)}")
    target.check(path.read_bytes())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m fuzz.run", description="Fuzzes the parsers of AIMux")
    parser.add_argument("--seconds", type=int, default=60, help="of all targets together (60)")
    parser.add_argument("--target", choices=list(TARGETS), help="this one only")
    parser.add_argument("--again", type=Path, metavar="FILE", help="give a finding to its target once more")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
