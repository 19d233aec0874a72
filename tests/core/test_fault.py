"""What an operator is told of an exception: type, message, place and causes, in one bounded line."""

import errno
import re

import pytest

from aimux.core.exhaustion import is_exhaustion
from aimux.core.fault import fault_fields, fault_of
from aimux.core.headers import trace_from


def raised(error, cause=None):
    """The error as it is caught."""
    try:
        raise error from cause
    except Exception as caught:
        return caught


def test_type_message_and_place():
    assert re.fullmatch(
        r"ValueError: no such thing, at core/test_fault\.py:\d+", fault_of(raised(ValueError("no such thing")))
    )
    assert fault_of(KeyError("never raised")) == "KeyError: 'never raised'"
    assert fault_of(MemoryError()) == "MemoryError"


def test_the_innermost_place_of_this_package_is_named():
    with pytest.raises(TypeError) as caught:
        trace_from(None, "", "")
    assert re.search(r"^TypeError: .*, at core/headers\.py:\d+$", fault_of(caught.value))


def test_causes_are_named_and_suppressed_ones_are_not():
    shown = fault_of(raised(ValueError("outer"), KeyError("inner")))
    assert re.fullmatch(r"ValueError: outer, at \S+, caused by KeyError: 'inner'", shown)
    assert "caused by" not in fault_of(raised(ValueError("outer"), None))


def test_circles_and_long_messages_are_bounded():
    first, second = ValueError("a" * 5000), ValueError("b" * 5000)
    first.__cause__, second.__cause__ = second, first
    assert len(fault_of(first)) < 500


def test_a_fault_in_a_callback():
    fields = fault_fields({"message": "it failed", "exception": ValueError("x"), "request_id": "abc", "path": "/audit"})
    assert fields == {"detail": "it failed", "error": "ValueError: x", "request_id": "abc", "path": "/audit"}
    fields = fault_fields({"message": "it failed", "handle": "<Handle>"})
    assert fields == {"detail": "it failed", "error": "handle: '<Handle>'"}
    assert fault_fields({"message": "it failed"})["error"] == "nothing more is known"


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE])
def test_want_of_descriptors_is_seen_through_its_consequences(number):
    assert is_exhaustion(OSError(number, "x"))
    assert is_exhaustion(raised(RuntimeError("x"), OSError(number, "x")))
    assert not is_exhaustion(OSError(errno.EACCES, "x"))
    assert not is_exhaustion(RuntimeError("Too many open files"))


def test_a_library_below_a_folder_named_as_the_package_is_no_place_of_ours():
    """As in a checkout of that name, which holds the libraries in its .venv."""
    elsewhere = "/srv/aimux/.venv/lib/python3/site-packages/thing/run.py"
    namespace = {}
    exec(
        compile("class Text(str):\n    def __len__(self):\n        raise ValueError('no')", elsewhere, "exec"),
        namespace,
    )
    with pytest.raises(ValueError, match="no") as caught:
        len(namespace["Text"]())
    assert fault_of(caught.value) == "ValueError: no, at thing/run.py:3"
