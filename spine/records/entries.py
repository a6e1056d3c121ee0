"""`Entries`: encoded values by name, of which a longer one shares all that a shorter one has."""

from collections.abc import Iterator, Mapping
from itertools import islice

_MARKS = len('"":,')


class Entries(Mapping[str, bytes]):
    """JSON texts by name, in the order in which they came; immutable, and grown without copying.

    All that grew from one another share one log, to which entries are only added; each sees the first `len` of them.
    Only one may add the entry at a place: whoever comes later, in another thread perhaps, copies its part of the log.
    `size` is the length of all this as a JSON object, but for its braces.
    """

    __slots__ = ("_length", "_log", "_places", "size")

    def __init__(self, texts: Mapping[str, bytes] | None = None) -> None:
        self._log: dict[int, tuple[str, bytes]] = dict(enumerate(texts.items())) if texts else {}
        self._places: dict[str, int] = {name: place for place, (name, _) in self._log.items()}
        self._length = len(self._log)
        self.size = sum(_size(*entry) for entry in self._log.values())

    def merged(self, others: Mapping[str, bytes]) -> "Entries":
        """Give these entries and the others, which win and then take the place of the ones they replace."""
        if not self._places.keys().isdisjoint(others) and any(name in self for name in others):
            return Entries({**self, **others})
        merged = self
        for entry in others.items():
            merged = merged._grown(entry)
        return merged

    def since(self, older: "Entries") -> Mapping[str, bytes] | None:
        """Give the entries that are new or differ from the older ones; None unless those come first here, in order."""
        log, length = older._log, len(older)  # noqa: SLF001  # another one of its own kind
        if self._log is log and length <= self._length:
            return dict(log[place] for place in range(length, self._length))
        if list(islice(self, length)) != list(older):
            return None
        return {name: text for name, text in self.items() if older.get(name) != text}

    def _grown(self, entry: tuple[str, bytes]) -> "Entries":
        if self._log.setdefault(self._length, entry) is not entry:
            return Entries({**self, entry[0]: entry[1]})
        name, text = entry
        self._places[name] = self._length
        grown = object.__new__(Entries)
        grown._log, grown._places = self._log, self._places
        grown._length = self._length + 1
        grown.size = self.size + _size(name, text)
        return grown

    def __getitem__(self, name: str) -> bytes:
        place = self._places[name]
        if place >= self._length:
            raise KeyError(name)
        return self._log[place][1]

    def __contains__(self, name: object) -> bool:
        return self._places.get(name, self._length) < self._length  # type: ignore[call-overload,no-any-return]

    def __iter__(self) -> Iterator[str]:
        return (self._log[place][0] for place in range(self._length))

    def __len__(self) -> int:
        return self._length


def _size(name: str, text: bytes) -> int:
    return len(name) + len(text) + _MARKS
