"""docs/first-mesh.md works as it stands: every block of it is done in order, and prints what it says."""

import re
from pathlib import Path

import pytest
from docs_support.blocks import Block, Typed, blocks_of, typed, write
from docs_support.printed import is_as_said
from docs_support.reader import MAKE, ROOT, Reader, free_ports

DOCUMENT = ROOT / "docs" / "first-mesh.md"
# Those of the demo's services and of the tutorial's own, and the gateway's.
PORTS = ("8080", *(f"910{number}" for number in range(1, 7)), *(f"930{number}" for number in range(1, 7)))


def test_every_block_does_what_the_document_says(tmp_path: Path) -> None:
    reader = Reader(tmp_path, dict(zip(PORTS, free_ports(len(PORTS)), strict=True)))
    try:
        for block in blocks_of(DOCUMENT.read_text()):
            assert block.is_run, f"line {block.line}: a block of the tutorial that nobody runs"
            reader.do(block)
    finally:
        reader.close()


def test_what_stands_in_for_make_run_is_its_recipe() -> None:
    makefile = (ROOT / "Makefile").read_text()
    recipe = re.search(r"^run:.*\n\t@?(.*)$", makefile, re.MULTILINE)
    assert recipe is not None
    wanted = recipe[1].replace("$(BIN)", ".venv/bin").replace("$(CONFIG)", "aimux.yaml")
    assert wanted.removeprefix("exec ") in MAKE
    assert re.search(r"^CONFIG\s*[:?]?=\s*aimux\.yaml$", makefile, re.MULTILINE)


@pytest.mark.parametrize(
    ("said", "printed", "fits"),
    [
        (["a", "b"], ["a", "b"], True),
        (["a", "b"], ["a"], False),
        (["a"], ["a", "b"], False),
        (["a", "..."], ["a", "b", "c"], True),
        (["...", "c"], ["a", "b", "c"], True),
        (["...", "b"], ["a", "b", "c"], False),
        (["a ... c"], ["a   b c"], True),
        (["score 0.61"], ["score 0.6249"], True),
        (["score 0.61"], ["score 0.65"], False),
        (["rows 61"], ["rows 62"], False),
        (["..."], [], True),
        ([], ["a"], False),
    ],
)
def test_a_reader_compares_what_comes_with_what_is_said(said: list[str], printed: list[str], *, fits: bool) -> None:
    assert is_as_said(said, printed) is fits


def test_a_reader_finds_the_blocks_and_what_to_do_with_them(tmp_path: Path) -> None:
    text = "# A\n\n```yaml > a.yaml\na: 1\nb: 2\n```\n\n```diff a.yaml\n a: 1\n-b: 2\n+b: 3\n```\n```json\n{}\n```\n"
    first, change, shown = blocks_of(text)
    assert (first.line, first.is_run, change.is_run, shown.is_run) == (3, True, True, False)
    write(first, tmp_path)
    write(change, tmp_path)
    assert (tmp_path / "a.yaml").read_text() == "a: 1\nb: 3\n"
    with pytest.raises(AssertionError, match="stands 0 times"):
        write(change, tmp_path)
    console = Block(9, "console", "", "$ a \\\n  b\nout\n\n$ c\n")
    assert typed(console) == [Typed(10, "a \\\n  b", ("out", "")), Typed(14, "c", ())]
