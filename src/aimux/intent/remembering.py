"""Many texts read one after another: a window that the model has read is not read again, for parts are often alike.

A window has the same vector in whatever text it stands, so that no score changes by it.
"""

from collections import OrderedDict
from typing import Final

import numpy as np

from aimux.core.scores import Found
from aimux.intent.encoder import Vectors
from aimux.intent.reader import Plan, TextReader

MOST_WINDOWS: Final = 30_000
"""So many vectors are kept, the last ones used: about 60 MB."""


class Remembering:
    """A reader with the vectors of the windows that it has read."""

    def __init__(self, reader: TextReader, most: int = MOST_WINDOWS) -> None:
        self._reader, self._most = reader, most
        self._known: OrderedDict[bytes, Vectors] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def score(self, text: str) -> Found:
        """The scores of a text, as the reader itself gives them. Raises EncodingError."""
        plan = self._reader.plan(text)
        if not isinstance(plan, Plan):
            return plan
        keys = [np.array(window, np.uint32).tobytes() for window in plan.windows]
        lacking = {key: window for key, window in zip(keys, plan.windows, strict=True) if key not in self._known}
        if lacking:
            read = self._reader.embed(list(lacking.values()))
            # Rows of their own: one that is kept does not keep the others.
            self._known.update((key, row.copy()) for key, row in zip(lacking, read, strict=True))
        for key in keys:
            self._known.move_to_end(key)
        found = self._reader.scores(plan, [np.stack([self._known[key] for key in keys])])
        while len(self._known) > self._most:
            self._known.popitem(last=False)
        return found
