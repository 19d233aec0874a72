"""User's turns as frameworks send them, captured by `make frames`: the user's own words count, the rest is heard.

AIMUX_FRAMEWORK_TURNS names another folder of captures to be read in the same way.
"""

import json
import os
from pathlib import Path

import pytest
from wire_support.requests import said

from aimux.wire.conversations import content_text
from aimux.wire.frameworks import BLOCKS, FRAMES

STORED = (Path(__file__).parent / "framework_turns").resolve()
FOLDER = Path(os.environ.get("AIMUX_FRAMEWORK_TURNS") or STORED).resolve()
CAPTURED = {
    f"{path.stem} {given['version']}: {situation['name']}": situation
    for path in sorted(FOLDER.glob("*.json"))
    for given in [json.loads(path.read_text(encoding="utf-8"))]
    for situation in given["situations"]
}


@pytest.mark.parametrize("name", CAPTURED)
def test_the_users_own_words_choose_and_what_a_framework_brings_is_heard(name):
    situation = CAPTURED[name]
    found = said(situation["body"])
    assert found.text == situation["user"]
    heard = "\n".join(found.beside)
    for piece in set(situation["beside"]):
        assert heard.count(piece) >= situation["beside"].count(piece)


def test_there_are_captures():
    assert len(CAPTURED) > 5


@pytest.mark.skipif(FOLDER != STORED, reason="the newest releases need not have what earlier ones wrote")
def test_every_frame_of_the_table_was_seen():
    turns = [
        content_text(message.get("content")) or ""
        for situation in CAPTURED.values()
        for message in situation["body"].get("messages") or situation["body"]["input"]
        if message.get("role") == "user"
    ]
    assert [frame.template for frame in FRAMES if not any(map(frame.take_off, turns))] == []


def test_the_documents_name_every_package_and_release_of_the_table():
    document = (Path(__file__).parents[2] / "docs" / "threat-model.md").read_text(encoding="utf-8")
    rows = {row.split(" | ")[0].strip("| "): row for row in document.splitlines() if row.startswith("| ")}
    for known in (*FRAMES, *BLOCKS):
        assert known.versions in rows[known.package].split(" | ")[1]
