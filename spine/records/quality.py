"""`QualityMetrics`: what a step measured of its own data."""

from collections.abc import Iterator, Mapping
from typing import Any

from spine.codec import json as codec
from spine.records.values import Values


class QualityMetrics(Mapping[str, Any]):
    """Numbers that inform; a step that must stop the run returns `StepResult.fail`.

    A read-only mapping: `metrics["null_rate"]`, with `passed` and `record_count` (None: not counted) as attributes.
    """

    __slots__ = ("_values", "passed", "record_count")

    def __init__(self, /, *, passed: bool = True, record_count: int | None = None, **values: Any) -> None:
        self.passed = passed
        self.record_count = record_count
        self._values = values

    @classmethod
    def of(cls, measured: Mapping[str, Any]) -> "QualityMetrics":
        """Give what a mapping measured, whatever its names are."""
        values = dict(measured)
        metrics = cls(passed=values.pop("passed", True), record_count=values.pop("record_count", None))
        metrics._values = values
        return metrics

    def as_dict(self) -> dict[str, Any]:
        """Give the metrics as a plain dict; `record_count` only if it was counted."""
        counted = {} if self.record_count is None else {"record_count": self.record_count}
        return {"passed": self.passed, **counted, **self._values}

    def __getitem__(self, name: str) -> Any:
        return self.as_dict()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.as_dict())

    def __len__(self) -> int:
        return len(self.as_dict())

    def __repr__(self) -> str:
        return f"QualityMetrics({', '.join(f'{name}={value!r}' for name, value in self.as_dict().items())})"


class Measured(Values):
    """Quality metrics by step."""

    __slots__ = ()

    def _decode(self, text: bytes) -> QualityMetrics:
        return QualityMetrics.of(codec.decode(text))
