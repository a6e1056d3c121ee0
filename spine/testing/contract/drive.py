"""`Drive`: a run that a test drives by hand, without workflow, runner or heartbeat."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from spine import clock
from spine.codec.limits import DEFAULT_LIMITS
from spine.records.checkpoint import Base, Checkpoint, NewCheckpoint
from spine.records.claim import Claim, Ending, NewRun
from spine.records.context import WorkflowContext
from spine.records.event import Event
from spine.records.lease import Lease
from spine.records.quality import QualityMetrics
from spine.records.run import ClaimableRun, Definition, Run, RunStatus, StepDefinition
from spine.stores.protocol import RunWriter, Store

STEPS = ("extract", "transform", "load")
DEFINITION = Definition(steps=tuple(StepDefinition(name=name, kind="lambda") for name in STEPS), source="orders.py:7")
HOUR = 3600.0
AN_INSTANT = 0.001
LIMIT_SECONDS = 20.0

COMPLETED = Ending(status=RunStatus.COMPLETED)
CANCELLED = Ending(status=RunStatus.CANCELLED)
WAITING = Ending(status=RunStatus.WAITING)
FAILED = Ending(
    status=RunStatus.FAILED,
    error_step="load",
    error="the warehouse is down",
    error_type="ConnectionError",
    error_category="dependency",
)

T = TypeVar("T")


@dataclass(kw_only=True)
class Drive:
    """A run, the lease and the pen of its holder; each checkpoint grows the context and the sequence."""

    lease: Lease
    writer: RunWriter
    context: WorkflowContext
    sequence: int = 0
    base: Base | None = None

    def save(
        self,
        step: str,
        output: Mapping[str, Any] | None = None,
        *,
        quality: QualityMetrics | None = None,
        metadata: Mapping[str, Any] | None = None,
        ending: Ending | None = None,
        next_step: str | None = None,
    ) -> int:
        """Write the checkpoint of a step and give the size of its snapshot."""
        self.sequence += 1
        self.context = self.context.with_output(step, output or {"by": step}, quality, limits=DEFAULT_LIMITS)
        new = NewCheckpoint(
            run_id=self.lease.run_id,
            step_name=step,
            sequence=self.sequence,
            next_step=next_step,
            metadata=metadata or {},
            context=self.context,
            base=self.base,
        )
        self.base = Base(sequence=self.sequence, context=self.context)
        return self.writer.save_checkpoint(new, ending)


def new_run(
    run_id: str = "run-1",
    *,
    workflow: str = "orders",
    params: Mapping[str, Any] | None = None,
    partition: Mapping[str, Any] | None = None,
    **fields: Any,
) -> NewRun:
    """Make a run of three steps, held for an hour."""
    context = WorkflowContext(
        run_id=run_id, workflow_name=workflow, params=params or {"day": "2026-01-10"}, partition=partition or {}
    )
    asked: dict[str, Any] = {
        "context": context,
        "definition": DEFINITION,
        "current_step": STEPS[0],
        "holder": "ann@here/1",
        "lease_seconds": HOUR,
    }
    return NewRun(**asked | fields)


def create(store: Store, new: NewRun) -> Lease:
    """Write a new run, which must not be there yet."""
    lease = store.create_run(new)
    assert lease is not None, f"there is a run {new.run_id!r} already"
    return lease


def claim_of(run: ClaimableRun, **fields: Any) -> Claim:
    """Make the claim of somebody who saw the run like this and would go on with its last step."""
    asked: dict[str, Any] = {
        "run_id": run.run_id,
        "seen_status": run.status,
        "seen_fence": run.fence,
        "seen_sequence": run.last_sequence,
        "definition": DEFINITION,
        "current_step": STEPS[-1],
        "holder": "bob@there/2",
        "lease_seconds": HOUR,
    }
    return Claim(**asked | fields)


def take_over(store: Store, run_id: str = "run-1", **fields: Any) -> Lease:
    """Claim a run that nobody holds."""
    lease = store.claim_run(claim_of(store.get_claimable(run_id), **fields))
    assert lease is not None, f"run {run_id!r} was not to be had"
    return lease


@contextmanager
def holding(store: Store, lease: Lease, context: WorkflowContext, *, lease_seconds: float = HOUR) -> Iterator[Drive]:
    """Write for the holder of a lease."""
    writer = store.writer(lease, lease_seconds=lease_seconds)
    try:
        yield Drive(lease=lease, writer=writer, context=context)
    finally:
        writer.close()


@contextmanager
def driving(store: Store, run_id: str = "run-1", *, lease_seconds: float = HOUR, **fields: Any) -> Iterator[Drive]:
    """Start a run and drive it."""
    new = new_run(run_id, **fields)._replace(lease_seconds=lease_seconds)
    with holding(store, create(store, new), new.context) as drive:
        yield drive


def run_to(store: Store, ending: Ending, run_id: str = "run-1", *, steps: Sequence[str] = STEPS, **fields: Any) -> None:
    """Leave a run that took these steps and ended."""
    with driving(store, run_id, **fields) as drive:
        for step in steps:
            drive.save(step)
        drive.writer.end_run(ending)


def crash(store: Store, run_id: str = "run-1", *, steps: Sequence[str] = STEPS[:2]) -> Lease:
    """Leave a run whose driver took these steps and was never heard of again."""
    new = new_run(run_id)
    lease = create(store, new)
    with holding(store, lease, new.context, lease_seconds=AN_INSTANT) as drive:
        for step in steps:
            drive.save(step)
    store.renew_leases([lease], lease_seconds=AN_INSTANT)
    wait_until(lambda: store.get_run(run_id).is_crashed)
    return lease


@dataclass(frozen=True, slots=True, kw_only=True)
class Everything:
    """All that a store can tell of a run: to show that nothing of it changed."""

    run: Run
    claimable: ClaimableRun
    first_context: WorkflowContext
    checkpoints: Sequence[Checkpoint]
    events: Sequence[Event]


def everything(store: Store, run_id: str = "run-1") -> Everything:
    """Read a run in full."""
    return Everything(
        run=store.get_run(run_id),
        claimable=store.get_claimable(run_id),
        first_context=store.get_first_context(run_id),
        checkpoints=[store.get_checkpoint(run_id, kept.step_name) for kept in store.list_checkpoints(run_id)],
        events=store.list_events(run_id),
    )


def wait_until(condition: Callable[[], Any]) -> None:
    """Ask until the answer is yes; fail after a while."""
    begun = clock.stopwatch()
    while not condition():
        assert clock.stopwatch() - begun < LIMIT_SECONDS, f"still not so after {LIMIT_SECONDS:g} s"


def at_once(count: int, act: Callable[[int], T]) -> list[T]:
    """Call `act` with 0, 1, ... in as many threads, which all begin at the same moment."""
    gate = threading.Barrier(count)

    def passing(number: int) -> T:
        gate.wait(LIMIT_SECONDS)
        return act(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(passing, range(count)))
