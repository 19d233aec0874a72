"""What the documents promise of the code, read off the code itself."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "aimux"
MODULES = sorted(SOURCE.rglob("*.py"))
DOCUMENTS = sorted(
    [
        *ROOT.glob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "deploy").rglob("*.md"),
        *(ROOT / "examples").rglob("*.md"),
    ]
)


def names_called(module: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Call):
            called = node.func
            yield called.id if isinstance(called, ast.Name) else getattr(called, "attr", "")


def packages_imported(module: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]


def modules_that(test: str, found: dict[str, set[str]]) -> set[str]:
    return {name for name, values in found.items() if test in values}


def relative(module: Path) -> str:
    return module.relative_to(SOURCE).as_posix()


def test_a_permit_is_made_by_the_decision_only() -> None:
    calls = {relative(module): set(names_called(module)) for module in MODULES}
    assert modules_that("Permit", calls) == {"core/decision.py"}


def test_the_model_runtime_is_loaded_in_one_place_where_its_telemetry_is_off() -> None:
    imports = {relative(module): set(packages_imported(module)) for module in MODULES}
    assert modules_that("onnxruntime", imports) == {"intent/runtime.py"}


def test_opentelemetry_is_loaded_only_where_it_is_asked_for() -> None:
    imports = {relative(module): set(packages_imported(module)) for module in MODULES}
    users = modules_that("opentelemetry", imports)
    assert users
    assert all(re.fullmatch(r"edge/telemetry_\w+\.py", name) for name in users)
    served_by = "import aimux.app.alone, aimux.app.supervised, aimux.app.several, aimux.cli.main"
    ask = f"{served_by}, sys; print(*(name for name in sys.modules if name.startswith('opentelemetry')))"
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_every_module_says_what_it_owns() -> None:
    silent = [relative(module) for module in MODULES if not ast.get_docstring(ast.parse(module.read_text()))]
    assert not silent


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_link_between_the_documents_leads_somewhere(document: Path) -> None:
    targets = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", document.read_text())
    missing = [t for t in targets if "://" not in t and not (document.parent / t).exists()]
    assert not missing


def test_every_decision_is_named_in_the_architecture() -> None:
    architecture = (ROOT / "docs" / "architecture.md").read_text()
    decisions = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    assert decisions
    assert [path.name for path in decisions if f"decisions/{path.name}" not in architecture] == []


def test_every_make_target_that_the_documents_name_exists() -> None:
    rules = "\n".join((ROOT / name).read_text() for name in ("Makefile", "make/setup.mk"))
    targets = set(re.findall(r"^([a-z-]+):", rules, re.MULTILINE))
    named = {
        name
        for document in DOCUMENTS
        for name in re.findall(r"(?:`|^)make ([a-z-]+)", document.read_text(), re.MULTILINE)
    }
    assert named
    assert named <= targets


def test_every_dependency_is_named_with_its_reason() -> None:
    project = (ROOT / "pyproject.toml").read_text()
    block = project.split("dependencies = [", 1)[1].split("]", 1)[0]
    names = re.findall(r'"([a-z0-9-]+)', block)
    table = (ROOT / "docs" / "architecture.md").read_text().split("## Libraries", 1)[1].lower()
    assert len(names) > 10
    assert [name for name in names if name not in table] == []


def threats() -> list[list[str]]:
    """The cells of the table of attacks."""
    section = (ROOT / "docs" / "threat-model.md").read_text().split("## Attacks", 1)[1].split("\n## ", 1)[0]
    rows = [line.strip("|").split(" | ") for line in section.splitlines() if line.startswith("| ")]
    return rows[1:]


def test_every_attack_names_what_keeps_its_answer_true() -> None:
    rows = threats()
    assert len(rows) > 15
    for row in rows:
        assert len(row) == 3, row
        assert re.search(r"`(?:tests|fuzz)/", row[2]), row


def test_every_corpus_and_every_fuzz_target_defends_against_an_attack() -> None:
    named = set(re.findall(r"`((?:tests|fuzz)/[^`]+)`", " ".join(row[2] for row in threats())))
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []
    corpus = {path.relative_to(ROOT).as_posix() for path in (ROOT / "tests/edge/corpus/requests").glob("*.yaml")}
    assert corpus <= named
    folders = {path.relative_to(ROOT).as_posix() for path in (ROOT / "tests/edge/corpus").iterdir()}
    assert folders - {"tests/edge/corpus/requests"} <= named
