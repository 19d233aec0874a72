"""The command `reload`: the configuration file is read again, and taken over whole or not at all."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Final

from pydantic import BaseModel

from aimux.admin.command_models import ReloadAnswer, SettingChange
from aimux.admin.commands import Plan, Rejected, take_none
from aimux.config.difference import differences
from aimux.config.lasting import lasting_changes, restart_problems
from aimux.config.load import Loaded, load
from aimux.config.problem import ConfigError
from aimux.core.reason import Reason

_REFUSED: Final = "the configuration is not taken over, the one in force stays; see the problems"

TakeOver = Callable[[Loaded], Awaitable[tuple[str, ...]]]
"""Puts a configuration in force on every worker; the problems where that is not possible, and nothing has changed."""


class ReloadCommand:
    """Reads the file of the configuration in force, and has it taken over."""

    def __init__(self, in_force: Callable[[], Loaded], take_over: TakeOver) -> None:
        self._in_force = in_force
        self._take_over = take_over

    async def plan(self, arguments: Mapping[str, Any]) -> Plan:
        """The digests before and after. Raises Failure for a file that cannot be taken over without a restart."""
        take_none(arguments)
        old = self._in_force()
        try:
            new = await asyncio.get_running_loop().run_in_executor(None, load, old.path, os.environ)
        except ConfigError as error:
            raise Rejected(Reason.CONFIGURATION_REFUSED, _REFUSED, tuple(map(str, error.problems))) from error
        if changed := lasting_changes(old.config, new.config):
            raise Rejected(Reason.CONFIGURATION_REFUSED, _REFUSED, restart_problems(changed))
        return Plan(old.digest, new.digest, partial(self._carry_out, old, new))

    async def _carry_out(self, old: Loaded, new: Loaded) -> BaseModel:
        if problems := await self._take_over(new):
            raise Rejected(Reason.CONFIGURATION_REFUSED, _REFUSED, problems)
        changes = [
            SettingChange(path=each.path, before=each.before, after=each.after)
            for each in differences(old.display, new.display)
        ]
        return ReloadAnswer(command="reload", before=old.digest, after=new.digest, changes=changes)
