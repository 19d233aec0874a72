"""The oracles lie with the fuzz targets, outside of the package: they are found from the repository's root."""

import sys
from pathlib import Path

for _folder in (Path(__file__).parent, Path(__file__).parents[2]):
    if str(_folder) not in sys.path:
        sys.path.insert(0, str(_folder))
