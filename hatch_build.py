"""Puts the built model and the built web page into the wheel where there are any, so that it needs neither made."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

BUNDLE = {
    "models/all-MiniLM-L6-v2.onnx": "aimux/bundle/all-MiniLM-L6-v2.onnx",
    "models/tokenizer.json": "aimux/bundle/tokenizer.json",
    "src/aimux/bundle/dashboard": "aimux/bundle/dashboard",
}


class BundleHook(BuildHookInterface[Any]):
    """Adds generated files, which git does not hold, to a wheel; editable installs use them where they lie."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Name the generated files that exist; hatchling copies them."""
        if version == "editable":
            return
        for source, target in BUNDLE.items():
            path = Path(self.root, source)
            if path.exists():
                build_data["force_include"][str(path)] = target
