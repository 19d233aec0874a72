"""Programs that are not there."""

import pytest

from bench import BenchError, tools


def test_a_missing_program_is_named_with_what_to_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "_PACKAGES", {"no-such-program": "its-package", "sh": "dash"})
    assert tools.missing() == ("its-package",)
    with pytest.raises(BenchError, match="sudo apt-get install its-package"):
        tools.path_of("no-such-program")
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(BenchError, match="sudo apt-get install its-package"):
        tools.ensure()


def test_nothing_is_installed_where_nothing_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "_PACKAGES", {"sh": "dash"})
    monkeypatch.setattr("subprocess.run", lambda *_, **__: pytest.fail("something was run"))
    tools.ensure()
