"""The audit log of one worker, and what becomes of its troubles: they are logged, and stand in the way of requests."""

from aimux.app.settings import audit_settings
from aimux.audit.commit import OBSTACLE
from aimux.audit.index_watch import IndexWatch
from aimux.audit.log import AuditLog
from aimux.config.schema import Config
from aimux.edge.index_watcher import IndexWatcher
from aimux.edge.log import Log
from aimux.gateway.live import Live


class Auditing:
    """Opens the log. `log` is None where nothing is recorded."""

    def __init__(self, config: Config, live: Live, log: Log, index: int) -> None:
        """`index` is the worker's place among all. Raises AuditError where requests could not be recorded."""
        self.log: AuditLog | None = None
        self._path = config.audit.path
        self._live = live
        self._events = log.event
        self._index: IndexWatcher | None = None
        if config.audit.enabled:
            self.log = AuditLog(audit_settings(config), index, self._tell, self._warn, self._note)
            # The index is that of all workers: the first one tells of it.
            tell = (self._warn, self._note) if index == 1 else ()
            self._index = IndexWatcher(config.audit.path, config.audit.checkpoint_interval, *tell)

    @property
    def index_watch(self) -> IndexWatch | None:
        """The state of the index; None where nothing is recorded."""
        return None if self._index is None else self._index.watch

    def standing(self) -> list[str]:
        """What is wrong with the files of this worker's chain now."""
        return [] if self.log is None else self.log.standing

    def close(self) -> None:
        """Write everything down, and close the files."""
        if self._index is not None:
            self._index.close()
        if self.log is not None:
            self.log.close()

    def _tell(self, why: str | None) -> None:
        """The log cannot be written, or can again."""
        if why is None:
            self._live.obstacles.pop("audit", None)
            self._events.warning("audit", detail="the audit log can be written again, and requests are served")
            return
        obstacle = OBSTACLE if self.log is None else self.log.obstacle
        self._live.obstacles["audit"] = obstacle
        self._events.error("audit", detail=obstacle, problem=why, path=str(self._path))

    def _warn(self, what: str) -> None:
        self._events.warning("audit", detail=what)

    def _note(self, what: str) -> None:
        self._events.info("audit", detail=what)
