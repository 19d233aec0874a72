"""Which certificate was not trusted, for the operator.

Python's ssl module keeps nothing of a certificate that it refuses. So it is fetched once more by a handshake that
verifies nothing and carries no request: seldom, and only to tell its name, issuer and dates.
"""

import asyncio
import ssl
from typing import TYPE_CHECKING, Final

from aimux.edge.causes import escaped
from aimux.edge.happy_eyeballs import NewSocket, connect, new_socket
from aimux.edge.resolver import Address

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

_PAUSE: Final = 60.0
"""Seconds before the certificate is fetched again."""
_WAIT: Final = 2.0
"""Seconds that fetching may take, and a request wait for it."""
_MOST_NAMES: Final = 4


class TlsCauses:
    """Tells why the certificate of one upstream was refused."""

    def __init__(self, host: str, new_socket: NewSocket = new_socket) -> None:
        self._host = host
        self._new_socket = new_socket
        self._loop = asyncio.get_running_loop()
        self._fresh_until = 0.0
        self._certificate = ""
        self._of: Address | None = None

    async def untrusted(self, error: ssl.SSLCertVerificationError, address: Address | None) -> str:
        """The reason of the refusal, and the certificate's name, issuer and dates where they can be learnt."""
        why = f"{address}: TLS certificate refused: {escaped(error.verify_message)}"
        if address is not None and self._loop.time() >= self._fresh_until:
            self._fresh_until = self._loop.time() + _PAUSE  # meanwhile others do without, or with the last one
            self._of, self._certificate = address, ""
            self._certificate = await self._fetch(address)
        # Another address of the same name may have another certificate.
        return f"{why}; {self._certificate}" if self._certificate and address == self._of else why

    async def _fetch(self, address: Address) -> str:
        try:
            async with asyncio.timeout(_WAIT):
                connected, _ = await connect([address], _WAIT, [], self._new_socket)
                transport, _ = await self._loop.create_connection(
                    asyncio.Protocol, sock=connected, ssl=_unverified(), server_hostname=self._host
                )
        except OSError:
            return ""
        shown: bytes | None = transport.get_extra_info("ssl_object").getpeercert(binary_form=True)
        transport.abort()
        return described(shown) if shown else ""


def described(der: bytes) -> str:
    """A certificate's subject, names, issuer and dates in one line, all of it escaped and bounded."""
    from cryptography import x509  # noqa: PLC0415  (only a refused certificate needs it)

    try:
        certificate = x509.load_der_x509_certificate(der)
        subject = escaped(certificate.subject.rfc4514_string())
        issuer = escaped(certificate.issuer.rfc4514_string())
        names = _names(certificate)
        since, until = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    except Exception as error:  # whatever an upstream made up, the refusal has its reason without it
        return f"its certificate cannot be read ({type(error).__name__})"
    return f"certificate of '{subject}' for {names}, issued by '{issuer}', valid {since:%Y-%m-%d} to {until:%Y-%m-%d}"


def _names(certificate: "Certificate") -> str:
    from cryptography import x509  # noqa: PLC0415  (only a refused certificate needs it)

    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return "no names"
    names = [*found.get_values_for_type(x509.DNSName), *map(str, found.get_values_for_type(x509.IPAddress))]
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return escaped(", ".join(names[:_MOST_NAMES])) + more


def _unverified() -> ssl.SSLContext:
    """A context that takes any certificate, to look at it: nothing is ever sent over such a connection."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
