"""The sections `operators` and `admin`: every problem with its line and remedy, and never the token itself."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from aimux.config.consistent_operators import digest_of_token
from aimux.config.lasting import lasting_changes
from aimux.config.listen_address import TcpAddress, UnixAddress, read_address
from aimux.config.load import Loaded
from aimux.config.problem import Problem

Read = Callable[..., Loaded]
Problems = Callable[..., tuple[Problem, ...]]
FALLBACK = "fallback: {upstream: http://x}\n"
A, B = (f"sha256:{digit * 64}" for digit in "ab")
SECRET = "aimux_op_never-to-be-seen"


def operators(*items: str) -> str:
    return FALLBACK + "operators:\n" + "".join(f"  - {item}\n" for item in items)


def item(name: str, digest: str, more: str = "") -> str:
    return f"{{name: {name}, token: {{digest: '{digest}'}}{more}}}"


def test_an_operator_views_unless_it_says_otherwise(read: Read) -> None:
    found = read(operators(item("ann", A), item("night-shift", B, ", role: operator"))).config.operators
    assert [(each.name, each.token.digest, each.role) for each in found] == [
        ("ann", A, "viewer"),
        ("night-shift", B, "operator"),
    ]


def test_the_digest_is_shown_and_part_of_what_names_the_configuration(read: Read) -> None:
    loaded = read(operators(item("ann", A)))
    assert A in json.dumps(loaded.display)
    assert loaded.digest != read(operators(item("ann", B))).digest


@pytest.mark.parametrize(
    ("text", "line", "where", "words"),
    [
        (operators(item("ann", A), item("ann", B)), 4, "operators[1].name", "stands on line 3 already"),
        (operators(item("ann", A), item("bob", A)), 4, "operators[1].token.digest", "one token would be two operators"),
        (operators(item("Ann", A)), 3, "operators[0].name", "write ann"),
        (operators(item("ann", A[:-1])), 3, "operators[0].token.digest", "aimux operators new NAME"),
        (operators(item("ann", A.upper())), 3, "operators[0].token.digest", "aimux operators new NAME"),
        (operators(item("ann", SECRET)), 3, "operators[0].token.digest", "aimux operators new NAME"),
        (operators(f"{{name: ann, token: {SECRET}}}"), 3, "operators[0].token", "write keys under it"),
        (operators(item("ann", A, ", role: root")), 3, "operators[0].role", "viewer"),
        (operators("{name: ann}"), 3, "operators[0].token", "this key is missing"),
        (FALLBACK + "admin: {listen: 9090}", 2, "admin.listen", "text"),
        (FALLBACK + "admin: {listen: '9090'}", 2, "admin.listen", "127.0.0.1:9090"),
        (FALLBACK + "admin: {listen: '::1:9090'}", 2, "admin.listen", "[::1]:9090"),
        (FALLBACK + "admin: {listen: 'localhost:70000'}", 2, "admin.listen", "127.0.0.1:9090"),
        (FALLBACK + "admin: {listen: 'unix:'}", 2, "admin.listen", "unix: and a path"),
        (FALLBACK + "admin: {listen: 'unix:run/'}", 2, "admin.listen", "unix: and a path"),
    ],
)
def test_every_problem_has_its_line_and_remedy(
    problems_of: Problems, text: str, line: int, where: str, words: str
) -> None:
    (problem,) = problems_of(text)
    assert (problem.line, problem.where) == (line, where)
    assert words in str(problem)
    assert SECRET not in str(problem)


def test_the_operator_of_admin_token_is_one_of_its_own(read: Read, problems_of: Problems) -> None:
    token = "correct-horse-battery-staple"
    assert read(operators(item("admin", A))).config.operators[0].name == "admin"
    server = f"server: {{admin_token: {token}}}\n"
    (name,) = problems_of(server + operators(item("admin", A)))
    assert (name.line, name.where) == (4, "operators[0].name")
    (digest,) = problems_of(server + operators(item("ann", digest_of_token(token))))
    assert (digest.line, digest.where) == (4, "operators[0].token.digest")
    assert token not in f"{name}{digest}"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:9090", TcpAddress("127.0.0.1", 9090)),
        ("[::1]:9090", TcpAddress("::1", 9090)),
        ("localhost:0", TcpAddress("localhost", 0)),
        ("unix:run/admin.sock", UnixAddress(Path("run/admin.sock"))),
        ("unix:/run/aimux:1.sock", UnixAddress(Path("/run/aimux:1.sock"))),
    ],
)
def test_addresses(text: str, address: object) -> None:
    assert read_address(text) == address


def test_a_socket_is_placed_beside_the_file_and_names_the_same_configuration_elsewhere(read: Read) -> None:
    text = FALLBACK + "admin: {listen: 'unix:run/admin.sock'}"
    here, there = (read(text, base_dir=Path(home)) for home in ("/here", "/there"))
    assert here.config.admin.listen == "unix:/here/run/admin.sock"
    assert here.digest == there.digest


def test_operators_are_read_again_and_where_they_are_heard_is_not(read: Read) -> None:
    old = read(FALLBACK).config
    assert lasting_changes(old, read(operators(item("ann", A))).config) == ()
    assert lasting_changes(old, read(FALLBACK + "admin: {listen: 'localhost:1'}").config) == ("admin.listen",)
