"""The charts: a bar for each subject, and nothing in them that is not text."""

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from bench.charts import CHARTS, draw
from bench.figures import AIMUX, ENVOY, NGINX, SEEN, Measured, Rounds

SVG = "{http://www.w3.org/2000/svg}"


def rows(*names: str) -> Rounds:
    rounds = Rounds()
    for number in (1, 2, 3):
        rounds.add(Measured(SEEN, name, 1000.0 * number * place) for place, name in enumerate(names, 1))
    return rounds


def test_a_chart_is_drawn_where_there_are_figures(tmp_path: Path) -> None:
    (file,) = draw(rows(NGINX, ENVOY, AIMUX).rows(), tmp_path / "charts")
    assert file.name == f"{CHARTS[0].name}.svg"
    root = ET.parse(file).getroot()
    bars = root.findall(f"{SVG}rect")
    assert [bar.get("class") for bar in bars] == ["bar", "bar", "ours"]
    widths = [float(bar.get("width") or 0) for bar in bars]
    assert widths[2] == pytest.approx(3 * widths[0], rel=0.01)
    assert widths[0] > 0
    texts = [text.text for text in root.findall(f"{SVG}text")]
    assert {NGINX, ENVOY, AIMUX, "2,000", "4,000", "6,000"} <= set(texts)


def test_names_are_text(tmp_path: Path) -> None:
    report = Rounds()
    report.add([Measured(SEEN, AIMUX, 0.0)])
    (file,) = draw(report.rows(), tmp_path)
    assert "NaN" not in file.read_text()
    ET.parse(file)
