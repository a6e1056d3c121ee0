"""`Entries`: encoded values by name, of which a longer one shares all that a shorter one has."""

from collections.abc import Iterator, Mapping
from itertools import islice

from spine.codec import json as codec

_MARKS = len('"":,')
_SHORT = 2048


class Entries(Mapping[str, bytes]):
    """JSON texts by name, in the order in which they came; immutable, and grown without copying.

    All that grew from one another share one log, to which entries are only added; each sees the first `len` of them.
    Only one may add the entry at a place: whoever comes later, in another thread perhaps, copies its part of the log.
    `size` is the length in bytes of all these names and texts as a JSON object, but for its braces and `$order`.
    """

    __slots__ = ("_length", "_log", "_places", "_text", "size")

    def __init__(self, texts: Mapping[str, bytes] | None = None) -> None:
        self._log: dict[int, tuple[str, bytes]] = dict(enumerate(texts.items())) if texts else {}
        self._places: dict[str, int] = {name: place for place, (name, _) in self._log.items()}
        self._length = len(self._log)
        self._text: bytes | None = None
        self.size = sum([_length(name) + len(text) + _MARKS for name, text in self._log.values()])

    @property
    def text(self) -> bytes:
        """All this as a JSON object; a short one is kept, for it is written again and again."""
        text = self._text
        if text is None:
            text = codec.join(self._from(0))
            if self.size <= _SHORT:
                self._text = text
        return text

    def with_entry(self, name: str, text: bytes) -> "Entries":
        """Give these entries and this one, which wins and then takes the place of the one it replaces."""
        place, entry = self._length, (name, text)
        if self._places.get(name, place) < place or self._log.setdefault(place, entry) is not entry:
            return Entries({**self, name: text})
        self._places[name] = place
        grown = object.__new__(Entries)
        grown._log, grown._places, grown._text = self._log, self._places, None
        grown._length = place + 1
        grown.size = self.size + (len(name) if name.isascii() else _length(name)) + len(text) + _MARKS
        return grown

    def merged(self, others: Mapping[str, bytes]) -> "Entries":
        """Give these entries and the others, which win and then take the place of the ones they replace."""
        if not self._places.keys().isdisjoint(others) and any(name in self for name in others):
            return Entries({**self, **others})
        merged = self
        for name, text in others.items():
            merged = merged.with_entry(name, text)
        return merged

    def since(self, older: "Entries") -> Mapping[str, bytes] | None:
        """Give the entries that are new or differ from the older ones; None unless those come first here, in order."""
        length = older._length  # noqa: SLF001  # another one of its own kind
        if self._log is older._log and length <= self._length:  # noqa: SLF001
            return self._from(length)
        if list(islice(self, length)) != list(older):
            return None
        return {name: text for name, text in self.items() if older.get(name) != text}

    def _from(self, place: int) -> dict[str, bytes]:
        return dict(map(self._log.__getitem__, range(place, self._length)))

    def __getitem__(self, name: str) -> bytes:
        place = self._places[name]
        if place >= self._length:
            raise KeyError(name)
        return self._log[place][1]

    def __contains__(self, name: object) -> bool:
        return self._places.get(name, self._length) < self._length  # type: ignore[call-overload,no-any-return]

    def __iter__(self) -> Iterator[str]:
        return iter(self._from(0))

    def __len__(self) -> int:
        return self._length


def _length(name: str) -> int:
    return len(name.encode())
