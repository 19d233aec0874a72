"""`python -m fuzz.worker TARGET [libFuzzer's options] CORPUS`: fuzzes one target in this process."""

import sys

import atheris

# Whatever is to be counted as covered must be imported here for the first time.
with atheris.instrument_imports(include=["aimux"]):
    from fuzz.targets import TARGETS


def main(arguments: list[str]) -> None:
    """Fuzz until libFuzzer ends the process."""
    program, name, *options = arguments
    atheris.Setup([program, *options], TARGETS[name].check)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv)
