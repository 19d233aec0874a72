"""Looking at the routes of a configuration that serves or is about to: what is found is logged, or refuses it."""

import asyncio
from typing import Final

from aimux.app.errors import ReloadError
from aimux.app.generations import Made
from aimux.core.fault import fault_of
from aimux.edge.log import Log
from aimux.intent.counted import counted
from aimux.intent.findings import Finding, Severity, Shown

MOST_LOGGED: Final = 20
"""Findings that are logged one by one: a configuration of hundreds of routes could have hundreds."""


async def refuse_errors(made: Made) -> None:
    """Raise ReloadError where the routes have errors."""
    errors = [finding for finding in await _look(made) if finding.severity is Severity.ERROR]
    if errors:
        raise ReloadError(*(f"{error.code}: {error.message}; {error.remedy}" for error in errors))


async def log_findings(made: Made, log: Log) -> None:
    """Log what is found, while requests are served already. Whatever goes wrong with it concerns nobody else."""
    try:
        found = [finding for finding in await _look(made) if finding.severity is not Severity.NOTE]
    except Exception as error:
        detail = f"the routes could not be looked at: {fault_of(error)}"
        log.event.warning("routes", detail=detail)
        return
    for finding in found[:MOST_LOGGED]:
        log.event.warning("routes", code=finding.code.value, detail=finding.message, remedy=finding.remedy)
    if len(found) > MOST_LOGGED:
        log.event.warning("routes", detail=f"{len(found) - MOST_LOGGED} findings more: aimux lint shows all")


async def _look(made: Made) -> list[Finding]:
    """With the vectors that the generation serves with: nothing is embedded again but a few everyday texts."""
    return await asyncio.get_running_loop().run_in_executor(None, _findings, made)


def _findings(made: Made) -> list[Finding]:
    policy, engine = made.loaded.policy, made.engine
    measured_with = made.loaded.config.semantic_engine.thresholds_model
    if engine is None:
        return list(counted(policy))
    from aimux.intent.lint import lint  # noqa: PLC0415  (what has an engine has loaded what this needs)

    return lint(policy, engine.index, engine.encoder, Shown.by(made.loaded.display), measured_with)
