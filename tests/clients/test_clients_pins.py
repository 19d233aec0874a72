"""Which clients there are, and in which versions."""

import re
import sys
from pathlib import Path

import pytest

from clients import ROOT, ClientsError, environments
from clients.driver import script_name
from clients.environments import Environment, find
from clients.pins import FILE, PinnedClient, load

CLIENTS = load(FILE.read_text())
TEXT = '[python]\none = ["one[more]==1.2.3", "two-three==4"]\n[npm]\nthree = ["@a/b@1.0.0-rc.1"]\n'


def test_every_client_is_read_in_order_with_what_it_wants() -> None:
    one, three = load(TEXT)
    assert one == PinnedClient("one", "python", ("one[more]==1.2.3", "two-three==4"))
    assert one.packages == ("one", "two-three")
    assert (three.kind, three.wanted, three.packages) == ("npm", ("@a/b@1.0.0-rc.1",), ("@a/b",))


def test_the_newest_are_wanted_without_versions() -> None:
    one, three = load(TEXT, newest=True)
    assert (one.wanted, one.packages) == (("one[more]", "two-three"), ("one", "two-three"))
    assert (three.wanted, three.packages) == (("@a/b@latest",), ("@a/b",))


@pytest.mark.parametrize(
    "text",
    [
        "one",
        '[ruby]\none = ["one==1"]',
        "[python]\none = []",
        '[python]\none = ["one>=1"]',
        '[python]\none = ["one==1 --index-url x"]',
        '[python]\none = ["--upgrade"]',
        '[npm]\none = ["one@latest"]',
        '[npm]\none = ["one"]',
    ],
)
def test_what_is_no_exact_version_is_refused(text: str) -> None:
    with pytest.raises(ClientsError):
        load(text)


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
def test_every_client_has_a_script(client: PinnedClient) -> None:
    suffix = "py" if client.kind == "python" else "mjs"
    assert (ROOT / "clients" / "scripts" / f"{script_name(client)}.{suffix}").is_file()


def test_every_script_is_a_clients() -> None:
    scripts = {path.name for path in (ROOT / "clients" / "scripts").glob("with_*")}
    assert len(scripts) == len({(script_name(client), client.kind) for client in CLIENTS}) == len(CLIENTS)


def test_the_document_is_of_these_versions() -> None:
    document = (ROOT / "docs" / "clients.md").read_text().split("## At the newest", 1)[0]
    for client in CLIENTS:
        row = re.search(rf"^\| {re.escape(client.name)} \| (.*) \|$", document, re.MULTILINE)
        assert row, f"docs/clients.md says nothing of {client.name}: make clients"
        pins = (re.sub(r"\[.*?\]", "", pin) for pin in client.wanted)
        assert row[1] == ", ".join(" ".join(re.split(r"==|(?<!^)@(?=\d)", pin)) for pin in pins)


class TestEnvironments:
    """They are made once, and again where something else is wanted."""

    @pytest.fixture(autouse=True)
    def _elsewhere(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.made: list[tuple[str, ...]] = []

        def install(place: Path, wanted: tuple[str, ...]) -> str | None:
            assert not (place / "old").exists()
            self.made.append(wanted)
            if wanted == ("none==1",):
                return "pip could not install it: there is none"
            for pin in wanted:
                name, _, version = pin.partition("==")
                folder = f"{name.replace('-', '_')}-{version or '9.9'}.dist-info"
                (place / "lib" / "python3" / "site-packages" / folder).mkdir(parents=True)
            return None

        monkeypatch.setattr(environments, "HOME", tmp_path)
        monkeypatch.setattr(environments, "_with_pip", install)

    def test_the_same_pins_are_installed_once(self, tmp_path: Path) -> None:
        client = PinnedClient("one", "python", ("one-two==1.2",))
        found = find(client)
        assert found == find(client)
        assert isinstance(found, Environment)
        assert (found.place, found.versions) == (tmp_path / "pinned" / "one", {"one-two": "1.2"})
        assert self.made == [("one-two==1.2",)]

    def test_other_pins_are_installed_into_a_new_place(self) -> None:
        first = find(PinnedClient("one", "python", ("one==1",)))
        assert isinstance(first, Environment)
        (first.place / "old").touch()
        second = find(PinnedClient("one", "python", ("one==2",)))
        assert isinstance(second, Environment)
        assert second.versions == {"one": "2"}

    def test_the_newest_have_a_place_of_their_own(self, tmp_path: Path) -> None:
        pinned = find(PinnedClient("one", "python", ("one==1",)))
        newest = find(PinnedClient("one", "python", ("one",)), newest=True)
        assert isinstance(newest, Environment)
        assert (newest.place, newest.versions) == (tmp_path / "newest" / "one", {"one": "9.9"})
        assert find(PinnedClient("one", "python", ("one==1",))) == pinned

    def test_a_failure_is_told_and_tried_again_the_next_time(self) -> None:
        client = PinnedClient("none", "python", ("none==1",))
        assert find(client) == find(client) == "pip could not install it: there is none"
        assert len(self.made) == 2

    def test_without_node_its_clients_are_not_run(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PATH", str(Path(sys.prefix) / "nowhere"))
        assert find(PinnedClient("one", "npm", ("one@1",))) == ("not run: it needs node and npm, not found on the PATH")
        assert self.made == []
