"""A small mesh, what its model says of texts, requests to it, and what a refusal has to be."""

from aimux.core.policy import FALLBACK_NAME, Access, Policy, Route, Upstream

UPSTREAM = Upstream("http://upstream:8001", False, "upstream", 8001, "")
FINANCE = Route("finance", UPSTREAM, Access.RESTRICTED, frozenset({"finance-bot"}), ("analyze budget",))
ADMIN = Route("admin", UPSTREAM, Access.RESTRICTED, frozenset({"admin-bot"}), ("delete users",))
OPEN = Route("open", UPSTREAM, Access.OPEN)
POLICY = Policy.of(
    (FINANCE, ADMIN, OPEN),
    agents=frozenset({"finance-bot", "admin-bot"}),
    fallback=Route(FALLBACK_NAME, UPSTREAM, Access.OPEN),
)
MEANS_FINANCE, MEANS_ADMIN, MEANS_NOTHING = (0.9, 0.1, None), (0.1, 0.9, None), (0.1, 0.2, None)
ASKED = b"GET /?q=analyze+budget&client_id=finance-bot HTTP/1.1\r\nHost: x\r\n\r\n"


def post(body, *lines, target=b"/"):
    """The bytes of a request's head, and its body."""
    head = (b"POST " + target + b" HTTP/1.1", b"Host: x", b"Content-Length: %d" % len(body), *lines, b"", b"")
    return b"\r\n".join(head), body


def refused(served, code, *request):
    """Serve a request that has to be refused with this code; the exchange and its record."""
    exchange, record = served.serve(*request)
    assert served.forwarder.calls == []
    assert exchange.error["code"] == record.verdict == code
    assert record.status == exchange.status == exchange.error["status"]
    assert record.decided_seconds is None
    assert len(served.records) == 1
    return exchange, record
