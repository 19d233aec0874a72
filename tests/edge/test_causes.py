"""Causes for the operator: whatever an upstream controls is escaped and bounded, and every address has its error."""

import asyncio
import errno
import os
import socket
import ssl
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from aimux.edge.causes import attempts, ended_by, os_error
from aimux.edge.happy_eyeballs import Attempt
from aimux.edge.resolver import Address
from aimux.edge.tls_causes import TlsCauses, described


def tried(number: int, code: int | None) -> Attempt:
    """An attempt on an address that failed so, or got no answer."""
    error = None if code is None else OSError(code, os.strerror(code))
    return Attempt(Address(socket.AF_INET, (f"192.0.2.{number}", 80)), error)


def test_each_address_has_its_error() -> None:
    found = attempts([tried(1, errno.ECONNREFUSED), tried(2, None), tried(3, errno.EHOSTUNREACH)])
    assert found == (
        "192.0.2.1:80: ECONNREFUSED (Connection refused); 192.0.2.2:80: no answer; "
        "192.0.2.3:80: EHOSTUNREACH (No route to host)"
    )


@given(st.integers(6, 200))
def test_many_addresses_are_counted_and_not_all_listed(count: int) -> None:
    found = attempts([tried(number, errno.ENETUNREACH) for number in range(count)])
    assert found.endswith(f"; and {count - 5} more")
    assert len(found) < 400


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (OSError(errno.EMFILE, "Too many open files"), "EMFILE (Too many open files)"),
        (OSError(9999, "made up"), "9999 (made up)"),
        (OSError("no number"), "OSError (no number)"),
        (ConnectionResetError(), "ConnectionResetError"),
        (ssl.SSLError(1, "[SSL: X] it\nbroke"), "SSLError ([SSL: X] it\\nbroke)"),
    ],
)
def test_an_error_of_the_system_has_its_name_and_text(error: OSError, shown: str) -> None:
    assert os_error(error) == shown


def test_how_a_connection_ended() -> None:
    assert ended_by(None) == "it was closed"
    assert ended_by(ConnectionResetError(errno.ECONNRESET, "Connection reset by peer")).startswith("ECONNRESET (")
    assert ended_by(ValueError("a\x1b[2J")) == "ValueError (a\\x1b[2J)"


KEY = ec.generate_private_key(ec.SECP256R1())
# A certificate holds 64 bytes of a name.
COMMON = st.text(min_size=1, max_size=64).filter(lambda name: len(name.encode("utf-8", "replace")) <= 64)


def certificate(common: str, names: list[str] | None = None) -> bytes:
    """A certificate that says this of itself, in DER."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])
    begin = datetime(2026, 1, 2, tzinfo=UTC)
    made = x509.CertificateBuilder(name, name, KEY.public_key(), 7, begin, begin + timedelta(days=30))
    if names:
        made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(each) for each in names]), critical=False)
    return made.sign(KEY, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def test_a_certificate_in_one_line() -> None:
    found = described(certificate("api", ["api.example", "b.example", "c.example", "d.example", "e.example"]))
    assert found == (
        "certificate of 'CN=api' for api.example, b.example, c.example, d.example and 1 more, "
        "issued by 'CN=api', valid 2026-01-02 to 2026-02-01"
    )
    assert " for no names, " in described(certificate("api"))


@given(COMMON, st.lists(st.text("abc.-*" + "x" * 5, min_size=1, max_size=200), max_size=9))
def test_whatever_a_certificate_says_of_itself_stays_in_its_place(common: str, names: list[str]) -> None:
    found = described(certificate(common, names))
    assert found.isascii()
    assert found.isprintable()
    assert len(found) < 1600
    assert found.endswith(", valid 2026-01-02 to 2026-02-01")


@given(st.binary(max_size=300))
def test_what_is_no_certificate_is_told_as_such(der: bytes) -> None:
    assert described(der).startswith("its certificate cannot be read (")


def test_a_certificate_is_named_for_the_address_that_showed_it_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fetch(_: TlsCauses, address: Address) -> str:
        return f"certificate of {address}"

    async def run() -> list[str]:
        causes = TlsCauses("api.internal")
        error = ssl.SSLCertVerificationError("x")
        error.verify_message = "certificate has expired"
        return [await causes.untrusted(error, tried(number, None).address) for number in (1, 2, 1)]

    monkeypatch.setattr(TlsCauses, "_fetch", fetch)
    first, other, again = asyncio.run(run())
    assert first == again
    assert first.endswith("certificate has expired; certificate of 192.0.2.1:80")
    assert other == "192.0.2.2:80: TLS certificate refused: certificate has expired"
