"""The local embedding model, and what it says of a text: how alike it is to each route's intents."""

import os

# numpy's OpenBLAS reads this when it is loaded. With threads of its own, the scores of a thousand intents wait on a
# busy machine for one of them to get a core: 8 ms instead of 0.1. Workers are what uses several cores.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
