"""What `make check` makes of pip-audit's findings."""

import json

import pytest

from checks.advisories import Findings, read, verdict

CLEAN = {"name": "h11", "version": "0.16.0", "vulns": []}
UNKNOWN = {"name": "uvloop", "skip_reason": "Dependency not found"}
FLAWED = {
    "name": "requests",
    "version": "2.19.0",
    "vulns": [{"id": "PYSEC-2018-28", "fix_versions": ["2.20.0"]}, {"id": "PYSEC-2099-1", "fix_versions": []}],
}


def report(*entries: object) -> str:
    return json.dumps({"dependencies": entries, "fixes": []})


def test_a_vulnerable_package_fails_and_is_named_with_its_remedy() -> None:
    code, told = verdict(read(report(CLEAN, FLAWED, UNKNOWN)), strict=False)
    assert code == 1
    assert "requests 2.19.0: PYSEC-2018-28, fixed in 2.20.0" in told
    assert "PYSEC-2099-1, fixed in nothing yet" in told
    assert "make lock" in told


def test_clean_packages_pass() -> None:
    assert read(report(CLEAN, CLEAN)) == Findings((), 2, 0)
    assert verdict(read(report(CLEAN)), strict=True) == (0, "Advisories: none for 1 of 1 locked packages")


def test_what_could_not_be_looked_up_is_told_and_fails_where_that_was_asked_for() -> None:
    findings = read(report(CLEAN, UNKNOWN))
    code, told = verdict(findings, strict=False)
    assert code == 0
    assert "1 of 2" in told
    assert "NOT" in told
    assert verdict(findings, strict=True)[0] == 1


@pytest.mark.parametrize(
    "text", ["", "no JSON", "[]", '{"fixes": []}', '{"dependencies": [{}]}', '{"dependencies": [1]}']
)
def test_what_is_no_report_is_never_taken_for_a_clean_one(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        verdict(read(text), strict=False)
