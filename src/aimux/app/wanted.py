"""What a supervisor wants every worker to serve by."""

from dataclasses import dataclass
from datetime import datetime

from aimux.app.messages import Prepare
from aimux.config.load import Loaded


@dataclass(frozen=True, slots=True)
class Wanted:
    """A configuration, when it was read, and whether errors in its routes refuse it."""

    loaded: Loaded
    loaded_at: datetime
    strict: bool

    def prepare(self, number: int, *, accept: bool) -> Prepare:
        """The message that tells a worker to make it ready."""
        loaded = self.loaded
        home, moment = str(loaded.path.parent), self.loaded_at.isoformat()
        return Prepare(number, loaded.text, str(loaded.path), home, loaded.digest, moment, accept, self.strict)
