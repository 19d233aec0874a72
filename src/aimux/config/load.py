"""From a configuration file to what the gateway runs by, or to every problem in the file."""

from collections.abc import Collection
from collections.abc import Mapping as Environ
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from aimux.config.advice import warnings_of
from aimux.config.compile import compile_policy
from aimux.config.consistency import check_consistency
from aimux.config.effective import digest_of, display_of
from aimux.config.environment import apply_overrides, read_overrides, substitute_all
from aimux.config.explain import explain
from aimux.config.files import check_files, with_absolute_paths, with_portable_paths
from aimux.config.problem import ConfigError, Problem
from aimux.config.report import Report
from aimux.config.schema import Config
from aimux.config.yaml_tree import Mapping, Node, Scalar, Sequence, parse
from aimux.core.policy import Policy

LARGEST: Final = 5 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration that can be used.

    `text` is what it was read from, `display` what may be shown of it, `digest` names it (it depends neither on
    secrets nor on the folder), `warnings` are things that are allowed but hardly meant.
    """

    config: Config
    policy: Policy
    path: Path
    text: str = field(repr=False)
    digest: str
    display: Environ[str, object]
    warnings: tuple[str, ...]


def load(path: Path, environ: Environ[str, str]) -> Loaded:
    """Read and check a configuration file.

    Raises ConfigError with every problem.
    """
    return _load(_read(path), path, environ, path.parent)


def load_text(text: str, source: str, environ: Environ[str, str], base_dir: Path) -> Loaded:
    """Check a configuration. `source` names it in problems; relative paths in it are relative to `base_dir`.

    Raises ConfigError with every problem.
    """
    return _load(text, Path(source), environ, base_dir)


def load_sections(path: Path, environ: Environ[str, str], names: Collection[str]) -> Config:
    """Some sections of a configuration file, whose others may be wrong or need an environment that is not here.

    Raises ConfigError for what is wrong with these.
    """
    report = Report(str(path))
    root = parse(_read(path), report)
    if root is None:
        raise ConfigError(tuple(report.problems))
    found = Mapping(root.line, {name: root.entries[name] for name in names if name in root.entries}, root.key_lines)
    report = Report(str(path))
    overrides = {key: value for key, value in read_overrides(environ, Report("")).items() if key[0] in names}
    apply_overrides(found, overrides, report)
    found = substitute_all(found, environ, report)
    try:
        config = Config.model_validate(_plain(found))
    except ValidationError as error:
        explain(error, found, overrides, report)
        raise ConfigError(tuple(report.problems)) from error
    if report.problems:
        raise ConfigError(tuple(report.problems))
    return with_absolute_paths(config, path.parent.absolute())


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except FileNotFoundError:
        raise _unreadable(path, "there is no such file", "name one with --config, or write one") from None
    except IsADirectoryError:
        raise _unreadable(path, "this is a directory", "name the file in it") from None
    except PermissionError:
        raise _unreadable(path, "the file may not be read", "make it readable for this user") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "it is no usable path"
        raise _unreadable(path, f"the file cannot be read: {reason}", "name a file that can be read") from None
    if len(data) > LARGEST:
        raise _unreadable(path, "the file is over 5 MiB", "make it smaller")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _unreadable(path, "the file is not UTF-8 text", "save it as UTF-8", line) from None


def _unreadable(path: Path, message: str, remedy: str, line: int | None = None) -> ConfigError:
    return ConfigError((Problem(str(path), line, "", message, remedy),))


def _load(text: str, path: Path, environ: Environ[str, str], base_dir: Path) -> Loaded:
    report = Report(str(path))
    root = parse(text, report)
    overrides = read_overrides(environ, report)
    if root is None:
        raise ConfigError(tuple(report.problems))
    apply_overrides(root, overrides, report)
    root = substitute_all(root, environ, report)
    config = None
    try:
        config = Config.model_validate(_plain(root))
    except ValidationError as error:
        explain(error, root, overrides, report)
    check_consistency(root, report)
    check_files(root, base_dir, overrides, report)
    if config is None or report.problems:
        raise ConfigError(tuple(report.problems))
    home = base_dir.absolute()
    config = with_absolute_paths(config, home)
    # A copy elsewhere, in a pipeline for one, is the same configuration.
    digest = digest_of(with_portable_paths(config, home))
    return Loaded(
        config=config,
        policy=compile_policy(config, digest),
        path=path,
        text=text,
        digest=digest,
        display=display_of(config, root),
        warnings=(*report.warnings, *warnings_of(config)),
    )


def _plain(root: Mapping) -> dict[str, object]:
    """The values alone. A section without a value counts as absent."""
    return {key: _value(node) for key, node in root.entries.items() if not _is_empty_section(key, node)}


def _is_empty_section(key: str, node: Node) -> bool:
    return key in Config.model_fields and isinstance(node, Scalar) and node.value is None


def _value(node: Node) -> object:
    if isinstance(node, Mapping):
        return {key: _value(value) for key, value in node.entries.items()}
    if isinstance(node, Sequence):
        return [_value(item) for item in node.items]
    return node.value if isinstance(node, Scalar) else None
