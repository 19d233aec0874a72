"""What differs between two configurations, by the path of each setting."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from aimux.config.difference import Difference, differences


def route(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "upstream": f"http://{name}", **more}


def test_a_setting_is_named_by_its_path() -> None:
    old = {"server": {"port": 8080}, "routes": [route("a", allowed=["x"]), route("b")]}
    new = {"server": {"port": 9090}, "routes": [route("b"), route("a", allowed=["x", "y"])]}
    assert differences(old, new) == (
        Difference("server.port", 8080, 9090),
        Difference("routes.a.allowed", ["x"], ["x", "y"]),
    )


def test_what_is_added_or_removed_stands_beside_nothing() -> None:
    old, new = {"routes": [route("a")]}, {"routes": [route("b")]}
    assert differences(old, new) == (
        Difference("routes.b", None, route("b")),
        Difference("routes.a", route("a"), None),
    )


def test_an_agent_in_short_form_is_the_one_of_that_name() -> None:
    old, new = {"agents": ["a", {"name": "b", "groups": []}]}, {"agents": [{"name": "a", "groups": ["g"]}, "b"]}
    assert [each.path for each in differences(old, new)] == ["agents.a", "agents.b"]


def test_items_without_a_name_of_their_own_are_compared_as_a_list() -> None:
    old, new = {"x": [{"name": "a"}, {"name": "a"}]}, {"x": [{"name": "a"}, {"key": 1}]}
    assert differences(old, new) == (Difference("x", old["x"], new["x"]),)


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)


@given(_VALUES)
def test_nothing_differs_from_itself(value: object) -> None:
    assert differences(value, value) == ()


@given(_VALUES, _VALUES)
def test_whatever_differs_is_said(old: object, new: object) -> None:
    # Lists of named items are compared without their order, and no value here has names.
    assert bool(differences(old, new)) == (old != new)
