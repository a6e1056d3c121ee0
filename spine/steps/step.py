"""`Step`: a name, what to do, and whether to checkpoint it."""

import copy
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from spine.codec.secret import require_no_secret
from spine.errors import InvalidWorkflow, type_of
from spine.records.names import check_name
from spine.records.values import Values
from spine.steps.context import StepContext
from spine.steps.kind import Kind
from spine.steps.lambda_ import Lambda
from spine.steps.pipeline import Pipeline, refuse_async


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a workflow; made by `Step.pipeline` and `Step.lambda_`.

    `checkpoint` of True marks a key step, False says never, None leaves it to the strategy.
    """

    name: str
    kind: Kind
    checkpoint: bool | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        check_name(self.name, "a step's name")
        if not (self.checkpoint is None or isinstance(self.checkpoint, bool)):  # 1 is equal to True, and no key step
            raise InvalidWorkflow(f"step {self.name!r}: checkpoint must be True, False or None")
        if not callable(getattr(self.kind, "perform", None)):
            raise InvalidWorkflow(
                f"step {self.name!r} needs a kind, not {type_of(self.kind)}; make it with Step.lambda_ or Step.pipeline"
            )

    @classmethod
    def pipeline(
        cls,
        name: str,
        pipeline: str,
        *,
        params: Mapping[str, Any] | None = None,
        checkpoint: bool | None = None,
    ) -> "Step":
        """Make a step that calls the pipeline registered under a dotted name.

        `params` are the step's own: they beat the workflow's defaults, and the run's params beat them.
        """
        check_name(name, "a step's name")
        check_name(pipeline, f"the pipeline of step {name!r}")
        given = _mapping(params, name, "params")
        for reserved in (each for each in given if type(each) is str and each.startswith("__")):
            raise InvalidWorkflow(
                f"step {name!r}: params that begin with __ are Spine's own: {reserved!r}; leave it out"
            )
        own = Values.of(given, at=f"the params of step {name!r}")
        require_no_secret(own.encoded, f"the params of step {name!r}", but_whole=True)
        return cls(name=name, kind=Pipeline(pipeline=pipeline, params=own), checkpoint=checkpoint)

    @classmethod
    def lambda_(
        cls,
        name: str,
        fn: Callable[[StepContext, dict[str, Any]], Any],
        *,
        config: Mapping[str, Any] | None = None,
        checkpoint: bool | None = None,
    ) -> "Step":
        """Make a step that calls `fn(ctx, config)`, each time with a copy of the config."""
        check_name(name, "a step's name")
        if not callable(fn):
            raise InvalidWorkflow(f"step {name!r} needs a function, not {type_of(fn)}")
        refuse_async(f"step {name!r}", fn)
        _require_two_parameters(name, fn)
        return cls(name=name, kind=Lambda(fn=fn, config=_copied(config, name)), checkpoint=checkpoint)


def _require_two_parameters(name: str, fn: Callable[..., Any]) -> None:
    """Refuse now what would fail when its step comes, perhaps after hours."""
    try:
        signature = inspect.signature(fn)
    except (TypeError, ValueError):  # as of some that are written in C
        return
    try:
        signature.bind(None, {})
    except TypeError:
        raise InvalidWorkflow(
            f"step {name!r} is called as fn(ctx, config), and its function takes {signature}"
        ) from None


def _mapping(given: Mapping[str, Any] | None, name: str, what: str) -> Mapping[str, Any]:
    if given is not None and not isinstance(given, Mapping):
        raise InvalidWorkflow(f"the {what} of step {name!r} must be a mapping, not {type_of(given)}")
    return given or {}


def _copied(config: Mapping[str, Any] | None, name: str) -> Mapping[str, Any]:
    try:
        return copy.deepcopy(dict(_mapping(config, name, "config")))
    except InvalidWorkflow:
        raise
    except Exception as error:
        raise InvalidWorkflow(f"the config of step {name!r} cannot be copied: {error}; keep plain values") from error
