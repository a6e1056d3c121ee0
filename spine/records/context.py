"""`WorkflowContext`: what a run knows so far."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from spine.codec.limits import DEFAULT_LIMITS, Limits
from spine.errors import InvalidParams, type_of
from spine.records.entries import Entries
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
        if not (type(self.params) is type(self.outputs) is type(self.partition) is Values):
            for name in ("params", "outputs", "partition"):
                object.__setattr__(self, name, Values.of(getattr(self, name), at=name))
        if type(self.quality_metrics) is not Measured:
            object.__setattr__(self, "quality_metrics", _measured(self.quality_metrics))
        if not isinstance(self.defaulted, (set, frozenset)):
            raise InvalidParams(f"defaulted must be a set of names, not {type_of(self.defaulted)}")

    @property
    def parts(self) -> tuple[Values, Values, Measured, Values]:
        """The params, outputs, quality metrics and partition, as what `__post_init__` made of them."""
        return self.params, self.outputs, self.quality_metrics, self.partition  # type: ignore[return-value]

    @property
    def entries(self) -> tuple[Entries, Entries, Entries, Entries]:
        """The same four, as the JSON of their entries."""
        return (  # not by way of `parts`: each checkpoint asks
            self.params.encoded,  # type: ignore[attr-defined]
            self.outputs.encoded,  # type: ignore[attr-defined]
            self.quality_metrics.encoded,  # type: ignore[attr-defined]
            self.partition.encoded,  # type: ignore[attr-defined]
        )

    def with_params(self, params: Mapping[str, Any]) -> "WorkflowContext":
        """Give a context with these params added or replaced; this one stays as it is."""
        added = Values.of(params, at="params")
        context = self.plain()
        return replace(
            context,
            params=context.parts[0].merged(added),
            defaulted=context.defaulted - frozenset(added),
        )

    def with_output(
        self,
        step: str,
        output: Mapping[str, Any],
        quality: QualityMetrics | None = None,
        *,
        limits: Limits = DEFAULT_LIMITS,
    ) -> "WorkflowContext":
        """Give a context in which this step has finished; raise `NotStorable` for an output that cannot be kept."""
        known = self.plain()
        _, outputs, metrics, _ = known.parts
        return WorkflowContext(
            run_id=known.run_id,
            workflow_name=known.workflow_name,
            params=known.params,
            outputs=outputs.with_entry(step, output, at="outputs", limits=limits),
            quality_metrics=metrics.merged(_measured({step: quality}, limits)) if quality else metrics,
            partition=known.partition,
            defaulted=known.defaulted,
        )

    def plain(self) -> "WorkflowContext":
        """Give this as a context of no step."""
        return self

    def fresh(self) -> Self:
        """Give the same context with nothing decoded yet."""
        params, outputs, metrics, partition = (values.fresh() for values in self.parts)
        return replace(self, params=params, outputs=outputs, quality_metrics=metrics, partition=partition)


def _measured(metrics: Mapping[str, Any], limits: Limits = DEFAULT_LIMITS) -> Measured:
    plain = {
        step: dict(require_mapping(numbers, at=f"quality_metrics.{step}"))
        for step, numbers in require_mapping(metrics, at="quality_metrics").items()
    }
    return Measured(Values.of(plain, at="quality_metrics", limits=limits).encoded)
