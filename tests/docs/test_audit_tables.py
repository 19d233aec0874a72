"""docs/audit.md lists the fields of records as the code has them."""

import pytest

from aimux.audit.format.events import EVENTS
from aimux.audit.format.schema import FIELDS, VERSION
from checks.audit_tables import PAGE, main, with_tables


def test_the_tables_of_fields_are_those_of_the_code() -> None:
    page = PAGE.read_text("utf-8")
    assert with_tables(page) == page, "run python -m checks.audit_tables"


def test_every_field_and_every_kind_has_its_row() -> None:
    page = PAGE.read_text("utf-8")
    assert [field.name for field in FIELDS if f"\n| `{field.name}` | {field.since} | {field.doc}" not in page] == []
    assert [kind for kind in EVENTS if f"\n| `{kind}` | " not in page] == []
    assert f"This page describes schema {VERSION}." in page


def test_a_page_without_a_place_for_them_is_left_alone() -> None:
    with pytest.raises(ValueError, match="no place"):
        with_tables("# A page\n")


def test_writing_what_is_current_changes_nothing() -> None:
    before = PAGE.read_bytes()
    assert main() == 0
    assert PAGE.read_bytes() == before
