"""`WorkflowContext`: what a run knows so far."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from spine.codec.limits import DEFAULT_LIMITS, Limits
from spine.errors import InvalidParams, type_of
from spine.records.quality import Measured, QualityMetrics
from spine.records.values import Values, require_mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowContext:
    """What a run knows so far: params, and each finished step's output and quality metrics, by step name.

    All four mappings are read-only and keep their entries encoded; plain mappings given here are encoded at once
    (`NotStorable` names the path of a value that cannot be kept). `defaulted` names the params that nobody gave,
    which a step's own params may replace.
    """

    run_id: str
    workflow_name: str
    params: Mapping[str, Any] = field(default_factory=Values)
    outputs: Mapping[str, Any] = field(default_factory=Values)
    quality_metrics: Mapping[str, QualityMetrics] = field(default_factory=Measured)
    partition: Mapping[str, Any] = field(default_factory=Values)
    defaulted: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        for name in ("params", "outputs", "partition"):
            given = getattr(self, name)
            if not isinstance(given, Values):
                object.__setattr__(self, name, Values.of(given, at=name))
        if type(self.quality_metrics) is not Measured:
            object.__setattr__(self, "quality_metrics", _measured(self.quality_metrics))
        if not isinstance(self.defaulted, (set, frozenset)):
            raise InvalidParams(f"defaulted must be a set of names, not {type_of(self.defaulted)}")

    def with_params(self, params: Mapping[str, Any], *, limits: Limits = DEFAULT_LIMITS) -> "WorkflowContext":
        """Give a context with these params added or replaced; this one stays as it is."""
        added = Values.of(params, at="params", limits=limits)
        context = self.plain()
        return replace(
            context,
            params=values_of(context.params).merged(added),
            defaulted=context.defaulted - frozenset(added),
        )

    def with_output(
        self, step: str, output: Mapping[str, Any], quality: QualityMetrics | None = None, *, limits: Limits
    ) -> "WorkflowContext":
        """Give a context in which this step has finished; raise `NotStorable` for an output that cannot be kept."""
        metrics = values_of(self.quality_metrics)
        return WorkflowContext(
            run_id=self.run_id,
            workflow_name=self.workflow_name,
            params=self.params,
            outputs=values_of(self.outputs).with_entry(step, dict(output), at="outputs", limits=limits),
            quality_metrics=metrics.merged(_measured({step: quality}, limits)) if quality else metrics,
            partition=self.partition,
            defaulted=self.defaulted,
        )

    def plain(self) -> "WorkflowContext":
        """Give this as a context of no step."""
        return self

    def fresh(self) -> Self:
        """Give the same context with nothing decoded yet."""
        return replace(
            self,
            params=values_of(self.params).fresh(),
            outputs=values_of(self.outputs).fresh(),
            quality_metrics=values_of(self.quality_metrics).fresh(),
            partition=values_of(self.partition).fresh(),
        )


def values_of(mapping: Mapping[str, Any]) -> Values:
    """Give a mapping of a context as what it is."""
    assert isinstance(mapping, Values)  # noqa: S101  # __post_init__ made it one
    return mapping


def _measured(metrics: Mapping[str, Any], limits: Limits = DEFAULT_LIMITS) -> Measured:
    plain = {
        step: dict(require_mapping(numbers, at=f"quality_metrics.{step}"))
        for step, numbers in require_mapping(metrics, at="quality_metrics").items()
    }
    return Measured(Values.of(plain, at="quality_metrics", limits=limits).encoded)
