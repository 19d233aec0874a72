"""The files that a configuration names: where they are, and whether certificates can be read from them."""

from collections.abc import Callable, Iterator
from collections.abc import Mapping as Known
from pathlib import Path as FilePath
from typing import TypeVar

from aimux.config.certificates import flaw_of_ca_file
from aimux.config.environment import Override
from aimux.config.listen_address import UNIX
from aimux.config.report import Path, Report
from aimux.config.schema import AuditConfig, Config, FallbackConfig, RouteConfig, UpstreamsConfig
from aimux.config.words import shown
from aimux.config.yaml_tree import Mapping, Scalar, Sequence

_HasFile = TypeVar("_HasFile", RouteConfig, FallbackConfig, UpstreamsConfig)


def with_absolute_paths(config: Config, base_dir: FilePath) -> Config:
    """The configuration with relative paths taken from the directory of its file."""
    return _placed(config, lambda path: base_dir / path)


def with_portable_paths(config: Config, base_dir: FilePath) -> Config:
    """The configuration with the paths below the directory of its file as relative ones."""
    return _placed(config, lambda path: path.relative_to(base_dir) if path.is_relative_to(base_dir) else path)


def _placed(config: Config, place: Callable[[FilePath], FilePath]) -> Config:
    engine, fallback = config.semantic_engine, config.fallback
    return config.model_copy(
        update={
            "semantic_engine": engine.model_copy(update={"model_path": place(engine.model_path)}),
            "routes": tuple(_with_ca_file(route, place) for route in config.routes),
            "audit": config.audit.model_copy(update=_audit_files(config.audit, place)),
            "admin": config.admin.model_copy(update={"listen": _placed_listener(config.admin.listen, place)}),
            "state": config.state.model_copy(update={"path": place(config.state.path)}),
            "fallback": None if fallback is None else _with_ca_file(fallback, place),
            "upstreams": _with_ca_file(config.upstreams, place),
        }
    )


def _placed_listener(listen: str | None, place: Callable[[FilePath], FilePath]) -> str | None:
    if listen is None or not listen.startswith(UNIX):
        return listen
    return f"{UNIX}{place(FilePath(listen.removeprefix(UNIX)))}"


def _audit_files(audit: AuditConfig, place: Callable[[FilePath], FilePath]) -> dict[str, FilePath]:
    given = {"path": audit.path, "checkpoint_to": audit.checkpoint_to, "signing_key": audit.signing_key}
    return {name: place(path) for name, path in given.items() if path is not None}


def _with_ca_file(section: _HasFile, place: Callable[[FilePath], FilePath]) -> _HasFile:
    if section.ca_file is None:
        return section
    return section.model_copy(update={"ca_file": place(section.ca_file)})


def check_files(root: Mapping, base_dir: FilePath, overrides: Known[Path, Override], report: Report) -> None:
    """Report each `ca_file` that is needed and cannot be used. Whether the model is there, its loader says."""
    for path, node in _needed_ca_files(root):
        if not isinstance(node.value, str) or not node.value or report.is_spoiled(path):
            continue
        flaw = flaw_of_ca_file(base_dir / node.value)
        if flaw is None:
            continue
        message = f"{shown(node, path)}: {flaw[0]}"
        if path in overrides:
            report.add_variable(overrides[path].variable, message, flaw[1])
        else:
            report.add(path, node.line, message, flaw[1])


def _needed_ca_files(root: Mapping) -> Iterator[tuple[Path, Scalar]]:
    for path, section in _sections(root):
        ca_file, upstream = section.entries.get("ca_file"), section.entries.get("upstream")
        is_used = path == ("upstreams",) or (
            isinstance(upstream, Scalar) and str(upstream.value).lower().startswith("https:")
        )
        if is_used and isinstance(ca_file, Scalar):
            yield (*path, "ca_file"), ca_file


def _sections(root: Mapping) -> Iterator[tuple[Path, Mapping]]:
    routes = root.entries.get("routes")
    if isinstance(routes, Sequence):
        for at, route in enumerate(routes.items):
            if isinstance(route, Mapping):
                yield ("routes", at), route
    for name in ("fallback", "upstreams"):
        section = root.entries.get(name)
        if isinstance(section, Mapping):
            yield (name,), section
