"""`Values`: a read-only mapping that keeps each entry encoded and decodes it when asked."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar, NoReturn, Self

from spine.codec import json as codec
from spine.codec.limits import DEFAULT_LIMITS, Limits
from spine.codec.tags import is_plain_text
from spine.errors import InvalidParams, NotStorable, type_of
from spine.records.entries import Entries

MOST_NAMED = 20


class Values(Mapping[str, Any]):
    """Entries by name, each kept as the JSON that the database holds.

    What is read is a copy of this object's own: nobody who changes it changes what is stored, or what the next
    step sees, which gets a `fresh()` one.
    """

    __slots__ = ("_decoded", "encoded")
    _what: ClassVar[str] = "value"
    _hint: ClassVar[str] = ""  # for who asks for one that is not there

    def __init__(self, encoded: Mapping[str, bytes] | None = None) -> None:
        self.encoded = encoded if type(encoded) is Entries else Entries(encoded)
        self._decoded: dict[str, Any] = {}

    @classmethod
    def of(cls, entries: Mapping[str, Any], *, at: str, limits: Limits = DEFAULT_LIMITS) -> "Values":
        """Encode each entry; raise `NotStorable` with the path below `at` for what could not come back equal."""
        if isinstance(entries, Values):
            return entries
        require_mapping(entries, at=at)
        return cls({_name(name, at): codec.encode(entries[name], at=f"{at}.{name}", limits=limits) for name in entries})

    def fresh(self) -> Self:
        """Give the same entries with nothing decoded yet."""
        return self._holding(self.encoded)

    def merged(self, other: "Values") -> Self:
        """Give these entries and the other's, which win."""
        return self._holding(self.encoded.merged(other.encoded)) if other.encoded else self

    def with_entry(self, name: str, value: Any, *, at: str, limits: Limits) -> Self:
        """Give these entries and this one, which wins; raise `NotStorable` as `of` does."""
        text = codec.encode(value, at=f"{at}.{name}", limits=limits)
        return self._holding(self.encoded.with_entry(_name(name, at), text))

    def _holding(self, encoded: Entries) -> Self:
        return type(self)(encoded)

    def _named(self) -> str:
        names = [*self._known()]
        named = [*names[:MOST_NAMED], *(["..."] if len(names) > MOST_NAMED else [])]
        return ", ".join(named) or "none"

    def _known(self) -> Iterable[str]:
        return self

    def _decode(self, text: bytes) -> Any:
        return codec.decode(text)

    def __getitem__(self, name: str) -> Any:
        if name not in self._decoded:
            if name not in self.encoded:
                raise KeyError(f"no {self._what} {name!r}; there are: {self._named()}{self._hint}")
            self._decoded[name] = self._decode(self.encoded[name])
        return self._decoded[name]

    def _refuse_change(self, name: str, _value: Any = None) -> NoReturn:
        raise TypeError(
            f"the {self._what} {name!r} cannot be changed; a step gives back what the next ones are to know, "
            "as its output or in context_updates"
        )

    __setitem__ = __delitem__ = _refuse_change

    def __contains__(self, name: object) -> bool:
        return name in self.encoded

    def __iter__(self) -> Iterator[str]:
        return iter(self.encoded)

    def __len__(self) -> int:
        return len(self.encoded)

    def __repr__(self) -> str:
        return repr(dict(self))

    def __copy__(self) -> Self:
        return self.fresh()

    def __deepcopy__(self, _memo: Any) -> Self:
        return self.fresh()

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (dict(self.encoded),))


def require_mapping(given: Any, *, at: str) -> Mapping[Any, Any]:
    """Give back a mapping; raise `InvalidParams` for anything else."""
    if not isinstance(given, Mapping):
        raise InvalidParams(f"{at} must be a mapping of names to values, not {type_of(given)}")
    return given


def _name(name: Any, at: str) -> str:
    if type(name) is not str or not name or not is_plain_text(name):
        raise NotStorable(at, f"the name {name!r} must be text, not empty, without NUL or lone surrogates")
    return name
