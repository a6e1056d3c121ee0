"""Whatever fails, and however often it is resumed or sent elsewhere: a run does what a simple model says."""

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from spine.orchestration.registry import Registry
from spine.orchestration.runner import WorkflowRunner
from spine.orchestration.workflow import Workflow
from spine.steps.result import StepResult
from spine.steps.step import Step

NAMES = "abcde"
marks = st.lists(st.sampled_from([True, None, False]), min_size=len(NAMES), max_size=len(NAMES))
names = st.sampled_from(NAMES)
attempts = st.lists(
    st.tuples(st.sets(names, max_size=2), st.none() | names, st.none() | st.integers(0, 9)), min_size=1, max_size=6
)


@dataclass
class Model:
    """What the run should do: one dict of outputs a checkpoint, what was said of `n`, what the last claim was told."""

    marks: list
    skipping: set
    number: int = 0  # whoever said it last is right, wherever the run goes on
    rows: dict = field(default_factory=dict)  # step -> (outputs by then, skipped by then)
    told: tuple | None = None  # (start, skipped)

    def keeps(self, place: int) -> bool:
        by_strategy = True not in self.marks
        return by_strategy if self.marks[place] is None else self.marks[place]

    def attempt(self, broken: set, start_from: str | None, n: int | None) -> tuple[str, str | None]:
        """Give the steps that run, and the one that fails."""
        self.number = self.number if n is None else n
        start, outputs, skipped = self._begin(start_from, is_told=n is not None)
        ran = ""
        for place in range(start, len(NAMES)):
            name = NAMES[place]
            ran += name
            if name in broken:
                return ran, name
            if name in self.skipping:
                skipped = skipped | {name}
            else:
                outputs = {**outputs, name: self.number}
            if self.keeps(place):
                self.rows[name] = (outputs, skipped)
                self.told = None
        self.told, self.final = None, (outputs, skipped)
        return ran, None

    def _begin(self, start_from: str | None, *, is_told: bool) -> tuple[int, dict, set]:
        told = self.told
        if start_from is not None:
            start = NAMES.index(start_from)
        elif told is not None:
            start = told[0]
        else:
            start = max((NAMES.index(name) + 1 for name in self.rows), default=0)
        self.rows = {name: row for name, row in self.rows.items() if NAMES.index(name) < start}
        outputs, skipped = self.rows[max(self.rows)] if self.rows else ({}, set())
        base = NAMES.index(max(self.rows)) + 1 if self.rows else 0
        passed = set(NAMES[base:start]) if start_from is not None else (told[1] if told else set())
        self.told = (start, passed) if start_from is not None or passed or is_told or told is not None else None
        return start, outputs, skipped | passed


@settings(deadline=None, max_examples=60)
@given(marks=marks, skipping=st.sets(names, max_size=2), first=st.sets(names, max_size=2), attempts=attempts)
def test_a_run_does_what_the_model_says(marks, skipping, first, attempts):
    broken, ran = set(first), []

    def perform(ctx, config):
        ran.append(ctx.step_name)
        if ctx.step_name in broken:
            raise RuntimeError("told to")
        return StepResult.skip("told to") if ctx.step_name in skipping else {"n": ctx.params["n"]}

    steps = [Step.lambda_(name, perform, checkpoint=mark) for name, mark in zip(NAMES, marks, strict=True)]
    workflow, model = Workflow("w", steps), Model(marks, skipping)
    with WorkflowRunner("memory://", registry=Registry()) as runner:
        result = runner.execute(workflow, {"n": 0}, run_id="1")
        told = model.attempt(broken, None, None)
        assert ("".join(ran), result.error_step) == told
        for now_broken, start_from, n in attempts:
            if told[1] is None and start_from is None:
                continue
            broken, ran[:] = now_broken, []
            result = runner.resume("1", None if n is None else {"n": n}, start_from=start_from)
            told = model.attempt(broken, start_from, n)

            assert ("".join(ran), result.error_step) == told
            assert [row.step_name for row in runner.list_checkpoints("1")] == sorted(model.rows)
        if told[1] is None:
            outputs, skipped = model.final
            assert result.context.outputs == {name: {"n": value} for name, value in outputs.items()}
            assert list(result.context.outputs) == sorted(outputs)
            assert result.context.params == {"n": model.number}
            assert result.skipped_steps == sorted(skipped)
            assert result.all_completed_steps == [name for name in NAMES if name not in skipped]
