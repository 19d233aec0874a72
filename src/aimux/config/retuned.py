"""Other thresholds in a configuration's text, as a patch of its file, and as YAML where no patch can be made."""

from collections.abc import Iterator, Mapping
from collections.abc import Mapping as Environ
from dataclasses import dataclass
from difflib import unified_diff

from aimux.config.edit import EditError, edited
from aimux.config.environment import PREFIX
from aimux.config.load import Loaded, load_text
from aimux.config.problem import ConfigError
from aimux.config.report import Path
from aimux.config.schema import Config

_ENGINE = "semantic_engine"
_MARK = "\ufeff"


@dataclass(frozen=True, slots=True)
class Retuning:
    """The thresholds that a configuration is to have: a min_score for routes by name, and those of all routes.

    `model` is the digest of the model that they were measured with.
    """

    least: Mapping[str, float]
    lead: float
    model: str

    def by_hand(self) -> Iterator[str]:
        """The same as lines of YAML, to be put in by hand."""
        yield f"{_ENGINE}:"
        for key, value in self._engine().items():
            yield f"  {key}: {value}"
        yield "routes:"
        for name, least in self.least.items():
            yield f"  - name: {name}"
            yield f"    min_score: {_score(least)}"

    def values(self, config: Config) -> dict[Path, str]:
        """What has to be written into a configuration: everything that it says otherwise, or leaves to a default."""
        engine = config.semantic_engine
        said: dict[str, object] = {name: getattr(engine, name) for name in engine.model_fields_set}
        found: dict[Path, str] = {
            (_ENGINE, key): text for key, text in self._engine().items() if said.get(key) != self._meant()[key]
        }
        for place, route in enumerate(config.routes):
            least = self.least.get(route.name)
            if least is not None and route.min_score != least:
                found["routes", place, "min_score"] = _score(least)
        return found

    def wanted(self, config: Config) -> Config:
        """What the configuration is to become."""
        routes = tuple(
            route.model_copy(update={"min_score": self.least[route.name]}) if route.name in self.least else route
            for route in config.routes
        )
        engine = config.semantic_engine.model_copy(update=self._meant())
        return config.model_copy(update={_ENGINE: engine, "routes": routes})

    def _meant(self) -> dict[str, object]:
        return {"ambiguity_threshold": self.lead, "thresholds_model": self.model}

    def _engine(self) -> dict[str, str]:
        # Digits alone, or with an e among them, would be a number without quotes.
        return {"ambiguity_threshold": _score(self.lead), "thresholds_model": f'"{self.model}"'}


def retuned(loaded: Loaded, wanted: Retuning, environ: Environ[str, str]) -> str:
    """The configuration's text with these thresholds and nothing else changed; the same text where it has them.

    Raises EditError where no text would do.
    """
    values = wanted.values(loaded.config)
    for path in values:
        variable = f"{PREFIX}{path[0]}__{path[-1]}".upper()
        if variable in environ:
            raise EditError(f"{variable} in the environment sets {path[-1]}, whatever the file says")
    text = edited(loaded.text, values)
    try:
        found = load_text(text, str(loaded.path), environ, loaded.path.parent)
    except ConfigError as error:
        raise EditError("it is written in a way that cannot be added to") from error
    if found.config.model_dump() != wanted.wanted(loaded.config).model_dump():
        raise EditError("it is written in a way that cannot be added to")
    return text


def patch(loaded: Loaded, data: bytes, text: str) -> str:
    """A unified diff from the file, whose content is `data`, to this text of it. Raises EditError."""
    name = str(loaded.path)
    before = data.decode("utf-8", "replace")
    if before.removeprefix(_MARK) != loaded.text:
        raise EditError("the file has changed meanwhile")
    if not name.isprintable() or name[:1] in {'"', "-"}:
        raise EditError("the file's name cannot stand in a patch")
    mark = _MARK if before.startswith(_MARK) else ""
    # A name with a space in it ends at a tab.
    name = f"{name}\t" if " " in name else name
    lines = unified_diff(_lines(before), _lines(mark + text), name, name)
    found = "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)
    token = loaded.config.server.admin_token
    if token is not None and token.get_secret_value() in found:
        raise EditError("server.admin_token stands so near that a patch would show it")
    return found


def _lines(text: str) -> list[str]:
    """Lines as patches have them: a carriage return belongs to its line."""
    *whole, rest = text.split("\n")
    return [*(f"{line}\n" for line in whole), *([rest] if rest else [])]


def _score(value: float) -> str:
    return f"{value:.2f}"
