"""Figures as bar charts in SVG, readable on light and on dark pages."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Final

from bench.figures import ADDED_P50, AIMUX, CHAT, NEW, SEEN, Figure, Row

_WIDTH: Final = 640
_LEFT: Final = 110
_RIGHT: Final = 90
_BAR: Final = 22
_GAP: Final = 10
_TOP: Final = 44
_STYLE: Final = (
    "text{font:14px system-ui,sans-serif;fill:#1f2328}.title{font-weight:600}.note{font-size:12px;fill:#59636e}"
    ".bar{fill:#9aa4b2}.ours{fill:#0969da}.spread{stroke:#1f2328;stroke-width:1.5}"
    "@media(prefers-color-scheme:dark){text{fill:#f0f6fc}.note{fill:#9198a1}.bar{fill:#57606a}.ours{fill:#4493f8}"
    ".spread{stroke:#f0f6fc}}"
)


@dataclass(frozen=True, slots=True)
class Chart:
    """What one file shows: a figure of all who have it, in a unit that is `factor` times finer."""

    name: str
    figure: Figure
    title: str
    factor: float = 1.0
    unit: str = ""


CHARTS: Final = (
    Chart("seen", SEEN, "Requests a second on one core, texts seen before"),
    Chart("chat", CHAT, "Chat completions a second on one core, texts seen before"),
    Chart("new", NEW, "Requests a second on one core, every text new"),
    Chart("added", ADDED_P50, "Added to a call, median", 1e6, " µs"),
)


def draw(rows: Sequence[Row], directory: Path) -> tuple[Path, ...]:
    """Write the charts for which there are figures; the files."""
    directory.mkdir(parents=True, exist_ok=True)
    written = []
    for chart in CHARTS:
        bars = [row for row in rows if row.figure == chart.figure]
        if bars:
            file = directory / f"{chart.name}.svg"
            file.write_text(svg(chart, bars))
            written.append(file)
    return tuple(written)


def svg(chart: Chart, rows: Sequence[Row]) -> str:
    """One chart: a bar for each row with the spread of its rounds."""
    most = max(max(row.spread.highest, 0.0) for row in rows) * chart.factor or 1.0
    scale = (_WIDTH - _LEFT - _RIGHT) / most
    height = _TOP + len(rows) * (_BAR + _GAP) + 24
    title = escape(chart.title)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{title}">',
        f"<style>{_STYLE}</style>",
        f'<text class="title" x="0" y="20">{title}</text>',
    ]
    for number, row in enumerate(rows):
        parts += _bar(row, chart, scale, _TOP + number * (_BAR + _GAP))
    parts.append(
        f'<text class="note" x="0" y="{height - 6}">Median of the rounds; the line is the spread.</text></svg>'
    )
    return "\n".join(parts) + "\n"


def _bar(row: Row, chart: Chart, scale: float, top: float) -> list[str]:
    low, middle, high = (
        max(value, 0.0) * chart.factor * scale for value in (row.spread.lowest, row.spread.median, row.spread.highest)
    )
    kind = "ours" if row.subject == AIMUX else "bar"
    line, text = top + _BAR / 2, top + _BAR / 2 + 5
    value = f"{row.spread.median * chart.factor:,.0f}{chart.unit}"
    return [
        f'<text x="0" y="{text:.0f}">{escape(row.subject)}</text>',
        f'<rect class="{kind}" x="{_LEFT}" y="{top:.0f}" width="{middle:.1f}" height="{_BAR}" rx="3"/>',
        f'<line class="spread" x1="{_LEFT + low:.1f}" x2="{_LEFT + high:.1f}" y1="{line:.0f}" y2="{line:.0f}"/>',
        f'<text x="{_LEFT + max(middle, high) + 8:.0f}" y="{text:.0f}">{escape(value)}</text>',
    ]
