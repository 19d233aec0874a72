"""What `deploy/` shows and alerts on is what a gateway really says."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from e2e_support.client import ask
from e2e_support.gateway import ROOT
from e2e_support.mesh import NewUpstream, Start
from prometheus_client.parser import text_string_to_metric_families

from aimux.core.reason import Reason
from aimux.core.record import VERDICT_ANSWERED, VERDICT_FALLBACK, VERDICT_FORWARD

DASHBOARD = ROOT / "deploy" / "grafana" / "aimux.json"
PROMETHEUS = ROOT / "deploy" / "prometheus"
ADDED_BY_PROMETHEUS = {"job", "instance"}


def dashboard() -> dict[str, Any]:
    """The dashboard."""
    loaded: dict[str, Any] = json.loads(DASHBOARD.read_text())
    return loaded


def panels() -> list[dict[str, Any]]:
    """What the dashboard shows, without the rows' titles."""
    return [panel for panel in dashboard()["panels"] if panel["type"] != "row"]


def rules() -> list[dict[str, Any]]:
    """All alerts."""
    groups = yaml.safe_load((PROMETHEUS / "alerts.yaml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def expressions() -> Iterator[str]:
    """Every query that there is."""
    yield from (target["expr"] for panel in panels() for target in panel["targets"])
    yield from (rule["expr"] for rule in rules())
    yield from (variable["query"]["query"] for variable in dashboard()["templating"]["list"][1:])


@pytest.fixture(scope="module")
def page(
    start_once: Start, new_upstream_once: NewUpstream, dead_port: int, tmp_path_factory: pytest.TempPathFactory
) -> str:
    """/metrics of a gateway that has done a bit of everything."""
    routes = [
        {"name": "plain", "upstream": new_upstream_once().url, "intents": ["will it rain tomorrow"]},
        {"name": "dead", "upstream": f"http://127.0.0.1:{dead_port}"},
    ]
    audit = {"enabled": True, "path": str(tmp_path_factory.mktemp("audited") / "audit")}
    gateway = start_once({"routes": routes, "audit": audit})
    for _ in range(2):
        assert ask(gateway.port, target="/?q=will+it+rain+tomorrow").status == 200
    assert ask(gateway.port, headers={"X-AIMux-Route": "dead"}).status == 502
    gateway.wait_served()
    return gateway.metrics()


def test_every_metric_that_is_shown_or_alerted_on_is_there(page: str) -> None:
    samples = [sample for family in text_string_to_metric_families(page) for sample in family.samples]
    there = {sample.name for sample in samples}
    labels = {label for sample in samples for label in sample.labels} | ADDED_BY_PROMETHEUS
    named: set[str] = set()
    for expression in expressions():
        metrics = set(re.findall(r"\b(?:aimux|process)_[a-z0-9_]+", expression))
        named |= metrics
        assert metrics <= there, expression
        assert metrics or expression.startswith("up{"), expression
        used = re.findall(r'(\w+)\s*=~?\s*"', expression)
        for group in re.findall(r"\b(?:by|on) \(([^)]*)\)", expression):
            used += re.split(r",\s*", group)
        assert set(used) <= labels, expression
    unseen = {name for name in there if name.startswith("aimux_")} - named
    assert {name for name in unseen if not name.endswith(("_count", "_sum", "_bucket"))} == set()


def test_every_verdict_that_is_looked_for_can_happen() -> None:
    known = {reason.code for reason in Reason} | {VERDICT_ANSWERED, VERDICT_FALLBACK, VERDICT_FORWARD}
    named = [
        name for e in expressions() for group in re.findall(r'verdict=~?"([^"]+)"', e) for name in group.split("|")
    ]
    assert len(named) > 10
    assert {name for name in named if not any(re.fullmatch(name, code) for code in known)} == set()


def test_the_dashboard_takes_its_data_source_and_its_gateways_from_variables() -> None:
    variables = {variable["name"]: variable for variable in dashboard()["templating"]["list"]}
    assert variables["datasource"]["type"] == "datasource"
    for panel in panels():
        assert panel["title"]
        assert panel["description"]
        assert panel["datasource"]["uid"] == "${datasource}"
        for target in panel["targets"]:
            assert target["datasource"]["uid"] == "${datasource}"
            selected = target["expr"].count('job=~"$job", instance=~"$instance"')
            assert selected == len(re.findall(r"\b(?:aimux|process)_[a-z0-9_]+", target["expr"])), target["expr"]


def test_no_two_panels_lie_on_one_another() -> None:
    places = [panel["gridPos"] for panel in dashboard()["panels"]]
    taken = [(x, y) for p in places for x in range(p["x"], p["x"] + p["w"]) for y in range(p["y"], p["y"] + p["h"])]
    assert len(taken) == len(set(taken))
    assert max(x for x, _ in taken) < 24
    ids = [panel["id"] for panel in dashboard()["panels"]]
    assert len(ids) == len(set(ids))


def test_every_alert_says_what_it_means_and_what_to_do() -> None:
    names = [rule["alert"] for rule in rules()]
    assert len(names) == len(set(names)) > 10
    for rule in rules():
        assert rule["labels"]["severity"] in {"critical", "warning"}
        assert set(rule["annotations"]) == {"summary", "description"}
        assert 'job="aimux"' in rule["expr"]


def test_the_example_reads_the_job_that_the_alerts_look_for() -> None:
    example = yaml.safe_load((PROMETHEUS / "prometheus.yaml").read_text())
    (scraped,) = example["scrape_configs"]
    assert (scraped["job_name"], scraped["metrics_path"]) == ("aimux", "/metrics")
    assert scraped["authorization"]["type"] == "Bearer"
    assert [(PROMETHEUS / name).exists() for name in example["rule_files"]] == [True]


def test_what_is_there_is_explained() -> None:
    readme = (ROOT / "deploy" / "README.md").read_text()
    files: list[Path] = [path for path in (ROOT / "deploy").rglob("*") if path.is_file() and path.name != "README.md"]
    assert files
    assert [path for path in files if f"({path.relative_to(ROOT / 'deploy').as_posix()})" not in readme] == []
