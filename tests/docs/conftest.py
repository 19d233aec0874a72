"""What the tests of this folder share is found beside them, and the checks from the repository's root."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.path.append(str(Path(__file__).parents[2]))
