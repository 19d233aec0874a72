"""What a store is to do, written down in the plainest way: no expiry queue, no log, no transactions."""

from dataclasses import dataclass, field

Entry = tuple[bytes, int, float | None]
"""Value, version, and when it ends."""


@dataclass
class NaiveStore:
    """Entries by (space, key). Versions are those that the tested store gave: they are checked, and then taken over."""

    entries: dict[tuple[str, str], Entry] = field(default_factory=dict)
    last: int = 0
    told: list[tuple[str, bytes | None, int]] = field(default_factory=list)
    """The changes of the watched space: key, value, version."""

    def find(self, now: float, space: str, key: str) -> Entry | None:
        entry = self.entries.get((space, key))
        return None if entry is None or (entry[2] is not None and entry[2] <= now) else entry

    def there(self, now: float, space: str) -> dict[str, Entry]:
        keys = [key for where, key in self.entries if where == space]
        return {key: entry for key in keys if (entry := self.find(now, space, key))}

    def changed(self, space: str, key: str, value: bytes | None, version: int, expires: float | None) -> None:
        assert version > self.last
        self.last = version
        if value is None:
            del self.entries[space, key]
        else:
            self.entries[space, key] = (value, version, expires)
        if space == "standing":
            self.told.append((key, value, version))
