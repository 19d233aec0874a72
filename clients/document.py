"""The document's parts that a run writes: what stands between two comments."""

from clients import ClientsError


def put_between(document: str, part: str, content: str) -> str:
    """The document with this content in a part. Raises ClientsError where its comments are not there once, in order."""
    begin, end = f"<!-- {part}: begin -->", f"<!-- {part}: end -->"
    before, found, rest = document.partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed or begin in rest or end in before + after:
        raise ClientsError(f"the document needs the lines {begin} and {end} once each, in this order")
    return f"{before}{begin}\n\n{content}\n\n{end}{after}"
