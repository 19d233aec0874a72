"""Checks of the section `operators`: each name and each token is one operator's alone."""

import hashlib
from collections.abc import Iterator
from typing import Final

from aimux.config.report import Path, Report
from aimux.config.words import shown
from aimux.config.yaml_tree import Mapping, Node, Scalar, Sequence

ADMIN_NAME: Final = "admin"
"""The operator whose token is server.admin_token."""
_Found = tuple[Path, Scalar, str]


def check_operators(root: Mapping, report: Report) -> None:
    """Report names and digests that stand twice, and those that server.admin_token has already."""
    admin = _admin_token(root)
    names, digests = list(_texts(root, "name")), list(_texts(root, "token", "digest"))
    for path, node, first in _repeated(names):
        message = f"the operator {shown(node, path)} stands on line {first.line} already"
        report.add(path, node.line, message, "remove or rename one of the two")
    for path, node, first in _repeated(digests):
        message = f"this digest stands on line {first.line} already: one token would be two operators"
        report.add(path, node.line, message, "make a token for each with: aimux operators new NAME")
    if admin is None:
        return
    for path, node, text in names:
        if text == ADMIN_NAME:
            message = f'the name "{ADMIN_NAME}" is that of server.admin_token'
            report.add(path, node.line, message, "choose another name for this operator, or remove server.admin_token")
    for path, node, text in digests:
        if text == digest_of_token(admin):
            message = "this is the digest of server.admin_token: one token would be two operators"
            report.add(path, node.line, message, "make another token with: aimux operators new NAME")


def digest_of_token(token: str) -> str:
    """A token's digest as a configuration holds it: sha256: and 64 hexadecimal digits."""
    return f"sha256:{hashlib.sha256(token.encode('utf-8')).hexdigest()}"


def _admin_token(root: Mapping) -> str | None:
    server = root.entries.get("server")
    node = server.entries.get("admin_token") if isinstance(server, Mapping) else None
    return node.value if isinstance(node, Scalar) and isinstance(node.value, str) else None


def _repeated(found: list[_Found]) -> Iterator[tuple[Path, Scalar, Scalar]]:
    """Each value that stands a second time, with the place of the first."""
    seen: dict[str, Scalar] = {}
    for path, node, text in found:
        first = seen.setdefault(text, node)
        if first is not node:
            yield path, node, first


def _texts(root: Mapping, *keys: str) -> Iterator[_Found]:
    """The text below these keys of each operator."""
    operators = root.entries.get("operators")
    for at, operator in enumerate(operators.items if isinstance(operators, Sequence) else ()):
        node: Node | None = operator
        for key in keys:
            node = node.entries.get(key) if isinstance(node, Mapping) else None
        if isinstance(node, Scalar) and isinstance(node.value, str):
            yield ("operators", at, *keys), node, node.value
