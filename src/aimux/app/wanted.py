"""What a supervisor wants every worker to serve by."""

from dataclasses import asdict, dataclass
from datetime import datetime

from aimux.app.messages import Prepare
from aimux.config.load import Loaded
from aimux.state.places import StatePlace


@dataclass(frozen=True, slots=True)
class Wanted:
    """A configuration, when it was read, whether errors in its routes refuse it, and where all keep the state."""

    loaded: Loaded
    loaded_at: datetime
    strict: bool
    place: StatePlace

    def prepare(self, number: int, *, accept: bool) -> Prepare:
        """The message that tells a worker to make it ready."""
        loaded = self.loaded
        home, moment = str(loaded.path.parent), self.loaded_at.isoformat()
        place = asdict(self.place)
        return Prepare(number, loaded.text, str(loaded.path), home, loaded.digest, moment, place, accept, self.strict)
