"""What commands take where nothing is said."""

from pathlib import Path
from typing import Final

DEFAULT_CONFIG: Final = Path("aimux.yaml")
