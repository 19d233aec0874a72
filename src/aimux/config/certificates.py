"""Checks that a file holds certificates which upstreams can be verified by."""

import ssl
import stat
from pathlib import Path

_LARGEST = 5 * 1024 * 1024


def flaw_of_ca_file(path: Path) -> tuple[str, str] | None:
    """Why the file cannot be used: message and remedy. None where it can."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            return "this is not a file", "name a PEM file"
        if status.st_size > _LARGEST:
            return "the file is over 5 MiB, which no list of certificates is", "name a PEM file"
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cafile=path)
    except FileNotFoundError:
        return "there is no such file", "correct the path; it is relative to the configuration file"
    except ssl.SSLError:
        return _NO_CERTIFICATE
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "it is no usable path"
        return f"the file cannot be read: {reason}", "make it readable for the gateway's user"
    return None if context.cert_store_stats()["x509"] else _NO_CERTIFICATE


_NO_CERTIFICATE = (
    "the file holds no PEM certificate that can be read",
    "name a file with -----BEGIN CERTIFICATE----- in it",
)
