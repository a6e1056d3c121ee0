"""Steps that give back or raise what fights being looked at: the step fails, and the runner goes on."""

import pytest

from spine.errors import type_of
from spine.orchestration.registry import Registry
from spine.orchestration.runner import WorkflowRunner
from spine.orchestration.workflow import Workflow
from spine.records.quality import QualityMetrics
from spine.records.run import RunStatus
from spine.steps.result import StepResult
from spine.steps.step import Step


class Stop(BaseException):
    pass


class OddText(Exception):
    def __str__(self) -> str:
        raise Stop


class OddString(str):
    __slots__ = ()

    def __len__(self) -> int:
        raise Stop

    replace = encode = __len__


class TextOfOwn(Exception):
    def __str__(self) -> str:
        return OddString("well")


class OddClass(type):
    def __getattribute__(cls, name):
        if name in ("__name__", "__qualname__", "__module__"):
            raise Stop
        return super().__getattribute__(name)


class Nameless(Exception, metaclass=OddClass):
    pass


class OddValue(metaclass=OddClass):
    def __repr__(self) -> str:
        raise Stop


class OddMetrics(QualityMetrics):
    def as_dict(self):
        raise Stop


class OddResult(StepResult):
    def __getattribute__(self, name):
        if name == "output":
            raise Stop
        return super().__getattribute__(name)


class OddProxy:
    """Like what a web framework has outside of a request."""

    @property
    def __class__(self):
        raise LookupError("no request")


def raising(error):
    def perform(ctx, config):
        raise error

    return perform


ODD = {
    "text that raises": (raising(OddText()), "OddText"),
    "text of its own": (raising(TextOfOwn()), "TextOfOwn"),
    "a class without a name": (raising(Nameless()), "Nameless"),
    "metrics that raise": (lambda ctx, config: StepResult.ok(quality=OddMetrics()), "Stop"),
    "metrics that raise with a failure": (lambda ctx, config: StepResult.fail("no", quality=OddMetrics()), "Stop"),
    "an output that raises": (lambda ctx, config: OddResult.ok({}), "Stop"),
    "a value without a name": (lambda ctx, config: {"x": OddValue()}, "NotStorable"),
    "a key without a name": (lambda ctx, config: {"x": {OddValue(): [object()]}}, "NotStorable"),
    "a name that raises": (lambda ctx, config: {OddValue(): 1}, "NotStorable"),
    "an update whose name raises": (lambda ctx, config: StepResult.ok(context_updates={OddValue(): 1}), "Stop"),
    "metadata without a name": (lambda ctx, config: StepResult.ok(metadata={"x": OddValue()}), "NotStorable"),
    "metadata of a class that raises": (lambda ctx, config: StepResult.ok(metadata={"x": OddProxy()}), "LookupError"),
    "a failure that tells of such": (lambda ctx, config: StepResult.fail("no", output={"x": OddProxy()}), "StepFailed"),
    "nothing that has a name": (lambda ctx, config: OddValue(), "InvalidResult"),
}


@pytest.mark.parametrize("odd", ODD)
def test_whatever_a_step_gives_or_raises_is_its_own_failure(odd):
    perform, error_type = ODD[odd]
    with WorkflowRunner("memory://", registry=Registry()) as runner:
        result = runner.execute(Workflow("odd", [Step.lambda_("a", perform)]), run_id="odd")

        assert (result.status, result.error_step, result.error_type) == (RunStatus.FAILED, "a", error_type)
        assert runner.get_run("odd").status is RunStatus.FAILED


def test_metrics_of_a_class_of_its_own_are_kept_as_numbers():
    class Own(QualityMetrics):
        pass

    with WorkflowRunner("memory://", registry=Registry()) as runner:
        result = runner.execute(
            Workflow(
                "own",
                [
                    Step.lambda_(
                        "a", lambda ctx, config: StepResult.ok(quality=Own(passed=False, record_count=3, rate=0.5))
                    )
                ],
            )
        )

        assert result.context.quality_metrics["a"].as_dict() == {"passed": False, "record_count": 3, "rate": 0.5}


@pytest.mark.parametrize(
    ("value", "said"),
    [(5, "an int"), ([], "a list"), (object(), "an object"), (OddValue(), "an OddValue"), ({}.keys(), "a dict_keys")],
)
def test_a_type_is_named_with_its_article(value, said):
    assert type_of(value) == said
