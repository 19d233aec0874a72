"""The configuration and the standing that each worker has acknowledged."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Serving:
    """A worker by its place among all, from 1 on, and its process.

    `config` is the digest of its configuration, None before it has one; `standing` the version of its standing.
    """

    worker: int
    pid: int
    config: str | None
    standing: int
