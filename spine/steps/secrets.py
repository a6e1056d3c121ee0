"""`Secrets`: what one attempt of a step learned, and must not tell."""

import json
import os
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from spine.codec.secret import Secret
from spine.errors import SecretNotFound
from spine.records.entries import Entries
from spine.records.values import Values
from spine.steps.result import StepResult

Resolver = Callable[[str], str | None]
MASK = "***"


def from_environment(name: str) -> str:
    """Read a secret from an environment variable; raise `SecretNotFound`."""
    value = os.environ.get(name)
    if value is None:
        raise SecretNotFound(f"the secret {name!r} is not in the environment of this process; set {name}")
    return value


class Secrets:
    """Resolves secrets for one attempt and takes them out of what it says."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._told: dict[str, list[Any]] = {}  # all that a name stood for: a resolver may rotate

    def resolve(self, value: Any) -> Any:
        """Give the value that a `Secret` names, and any other value as it is."""
        if not isinstance(value, Secret):
            return value
        try:
            resolved = self._resolver(value.name)
        except KeyError:  # which a mapping would take for a param that is not there
            resolved = None
        if resolved is None:
            raise SecretNotFound(f"the runner's secrets give nothing for {value.name!r}")
        known = self._told.setdefault(value.name, [])
        if resolved not in known:
            known.append(resolved)
        return resolved

    def gave(self, param: Any, value: Any) -> bool:
        """Whether this value is what a step got for a param that is a `Secret`."""
        return isinstance(param, Secret) and value in self._told.get(param.name, ())

    def kept(self, value: Any) -> Any:
        """Give the `Secret` that a value was told for, and any other value as it is: what may be stored."""
        for name, told in [*self._told.items()]:
            if any(type(each) is type(value) and each == value and value for each in told):
                return Secret(name)
        return value

    def masked(self, result: StepResult) -> StepResult:
        """Take every secret that was told out of a result's error, reason and traceback, not of what it gives."""
        if not self._told:
            return result
        return replace(
            result,
            error=self._mask(result.error),
            reason=self._mask(result.reason),
            traceback=self._mask(result.traceback),
        )

    def __deepcopy__(self, _memo: Any) -> "Secrets":
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self._resolver,))

    def _mask(self, text: str | None) -> str | None:
        known = [*self._told.values()]  # a thread that the step left behind may still learn some
        for told in sorted({str(each) for values in known for each in [*values]}, key=len, reverse=True):
            for spelled in (told, repr(told)[1:-1], json.dumps(told)[1:-1]):
                text = text.replace(spelled, MASK) if text and spelled else text
        return text


class StepParams(Values):
    """The params of one step: secrets are resolved when they are read, and not shown by `repr`."""

    __slots__ = ("_secrets",)
    _what = "param"

    def __init__(self, encoded: Any = None, secrets: Secrets | None = None) -> None:
        super().__init__(encoded)
        self._secrets = secrets or Secrets(from_environment)

    def plain(self) -> Values:
        """Give the params of the run alone, each secret as its name."""
        return Values({name: text for name, text in self.encoded.items() if not name.startswith("__")})

    def _known(self) -> Iterable[str]:
        return self.plain()

    def _holding(self, encoded: Entries) -> "StepParams":
        return StepParams(encoded, self._secrets)

    def __getitem__(self, name: str) -> Any:
        return self._secrets.resolve(super().__getitem__(name))

    def __repr__(self) -> str:
        return repr(Values(self.encoded))

    def __reduce__(self) -> tuple[Any, ...]:
        return (Values, (dict(self.encoded),))
