"""Puts the built model into the wheel where there is one, so that an installed wheel needs no download."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

BUNDLE = {
    "models/all-MiniLM-L6-v2.onnx": "aimux/bundle/all-MiniLM-L6-v2.onnx",
    "models/tokenizer.json": "aimux/bundle/tokenizer.json",
}


class BundleHook(BuildHookInterface[Any]):
    """Adds generated files, which git does not hold, to a wheel; editable installs use them where they lie."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Name the generated files that exist; hatchling copies them."""
        if version == "editable":
            return
        for source, target in BUNDLE.items():
            path = Path(self.root, source)
            if path.is_file():
                build_data["force_include"][str(path)] = target
