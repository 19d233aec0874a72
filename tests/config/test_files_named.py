"""The configuration file itself, and the files that it names."""

from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest
import trustme

from aimux.config.load import Loaded, load
from aimux.config.problem import ConfigError, Problem

Read = Callable[..., Loaded]
Problems = Callable[..., tuple[Problem, ...]]
FALLBACK = "fallback: {upstream: http://x}\n"


def problem_of(path: Path) -> str:
    """The one problem of a file that cannot be read."""
    with pytest.raises(ConfigError) as caught:
        load(path, {})
    (problem,) = caught.value.problems
    return str(problem)


def test_a_file_that_is_missing_or_none(tmp_path: Path) -> None:
    missing = tmp_path / "nope.yaml"
    assert problem_of(missing).startswith(f"{missing}: there is no such file;")
    assert problem_of(tmp_path).startswith(f"{tmp_path}: this is a directory;")
    assert "cannot be read: File name too long" in problem_of(tmp_path / ("x" * 300))
    assert "cannot be read: it is no usable path" in problem_of(Path("a\0b"))
    (tmp_path / "plain").write_text("x")
    assert "cannot be read" in problem_of(tmp_path / "plain" / "aimux.yaml")


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Permissions mean nothing to root, which tests in containers often run as.
    def refuse(*_: object) -> NoReturn:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    assert "may not be read" in problem_of(tmp_path / "aimux.yaml")


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "aimux.yaml"
    path.write_bytes(b"server: {}\n# caf\xe9\n")
    assert problem_of(path) == f"{path}:2: the file is not UTF-8 text; save it as UTF-8"
    path.write_bytes(FALLBACK.encode("utf-16"))
    assert "not UTF-8 text" in problem_of(path)
    path.write_bytes(b"")
    assert "holds no configuration" in problem_of(path)


def test_a_file_over_5_mib_is_refused_and_one_of_5_mib_is_not(tmp_path: Path) -> None:
    path = tmp_path / "aimux.yaml"
    head = FALLBACK.encode()
    path.write_bytes(head + b"#" * (5 * 1024 * 1024 - len(head)))
    assert load(path, {}).path == path
    path.write_bytes(head + b"#" * (5 * 1024 * 1024 - len(head) + 1))
    assert "over 5 MiB" in problem_of(path)
    assert "over 5 MiB" in problem_of(Path("/dev/zero"))


def test_relative_paths_are_relative_to_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "conf").mkdir()
    trustme.CA().cert_pem.write_to_path(tmp_path / "ca.pem")
    (tmp_path / "conf/aimux.yaml").write_text(
        "semantic_engine: {model_path: m/x.onnx}\n"
        "routes: [{name: a, upstream: https://a, ca_file: ../ca.pem}, {name: b, upstream: https://b}]\n"
        "fallback: {upstream: https://c, ca_file: ../ca.pem}\n"
        f"upstreams: {{ca_file: {tmp_path}/ca.pem}}\n"
    )
    monkeypatch.chdir(tmp_path)
    loaded = load(Path("conf/aimux.yaml"), {})
    assert loaded.config.semantic_engine.model_path == tmp_path / "conf/m/x.onnx"
    own = tmp_path / "conf/../ca.pem"
    assert [r.upstream.ca_file for r in loaded.policy.routes] == [str(own), str(tmp_path / "ca.pem")]
    assert loaded.policy.fallback is not None
    assert loaded.policy.fallback.upstream.ca_file == str(own)
    assert loaded.config.routes[0].ca_file == own


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "there is no such file"),
        ("", "holds no PEM certificate"),
        ("hello", "holds no PEM certificate"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "holds no PEM certificate"),
    ],
)
def test_certificates_that_cannot_be_used(
    problems_of: Problems, read: Read, tmp_path: Path, content: str | None, why: str
) -> None:
    if content is not None:
        (tmp_path / "ca.pem").write_text(content)
    for text, where in (
        ("fallback: {upstream: https://x, ca_file: ca.pem}\n", "fallback.ca_file"),
        ("routes: [{name: a, upstream: HTTPS://x, ca_file: ca.pem}]\n", "routes[0].ca_file"),
        (FALLBACK + "upstreams: {ca_file: ca.pem}\n", "upstreams.ca_file"),
    ):
        (problem,) = problems_of(text, {}, tmp_path)
        assert problem.where == where
        assert problem.message.startswith('"ca.pem": ')
        assert why in problem.message
    read("fallback: {upstream: http://x, ca_file: ca.pem}\n", {}, tmp_path)


_NO_FILES = ((".", "not a file"), ("/dev/zero", "not a file"), ("large", "over 5 MiB"), ("x" * 300, "be read"))


def test_certificates_that_are_no_file(problems_of: Problems, tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(b"x" * (5 * 1024 * 1024 + 1))
    for name, why in (
        (".", "not a file"),
        ("/dev/zero", "not a file"),
        ("large", "over 5 MiB"),
        ("x" * 300, "be read"),
    ):
        (problem,) = problems_of(f"fallback: {{upstream: https://x, ca_file: {name}}}\n", {}, tmp_path)
        assert why in problem.message


def test_certificates_that_are_revocations_only(problems_of: Problems, tmp_path: Path) -> None:
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    now = datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    builder = x509.CertificateRevocationListBuilder(name, now, now + timedelta(days=1))
    revocations = builder.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    (tmp_path / "crl.pem").write_bytes(revocations.public_bytes(serialization.Encoding.PEM))
    (problem,) = problems_of("fallback: {upstream: https://x, ca_file: crl.pem}\n", {}, tmp_path)
    assert "holds no PEM certificate" in problem.message


def test_a_model_that_is_missing_is_no_business_of_the_configuration(read: Read) -> None:
    assert not read(FALLBACK).config.semantic_engine.model_path.exists()
