"""PostgreSQL that restarts, dies, or hangs up in the middle of a run costs no finished step."""

import contextlib
import itertools
import logging
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import psycopg
import pytest

from spine.orchestration import RunStatus, Step, StoreUnavailable, Workflow, WorkflowResult, WorkflowRunner
from tests.acceptance.recorded import wait_for
from tests.servers.postgres import PostgresServer
from tests.servers.proxy import Loss, proxied

# A statement is prepared, which is a question of its own, before it is executed for the first time.
LOST_ON_THE_WAY = pytest.mark.parametrize(
    ("loss", "after"),
    [(Loss.QUESTION, 0), (Loss.ANSWER, 0), (Loss.REST, 0), (Loss.QUESTION, 1), (Loss.ANSWER, 1), (Loss.REST, 1)],
)
WAITING = """SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'"""
FEWEST_QUESTIONS = 8  # that an execute or a resume of one step asks
Step_ = Callable[[Any, dict[str, Any]], dict[str, Any]]


def workflow_with(*disturbances: Callable[[], object]) -> tuple[Workflow, list[str]]:
    """Make a workflow whose steps disturb the database as they run, and the list of steps that ran."""
    ran: list[str] = []

    def step(name: str, disturb: Callable[[], object]) -> Step:
        def perform(ctx: Any, config: dict[str, Any]) -> dict[str, Any]:
            ran.append(name)
            disturb()
            return {"seen": sorted(ctx.outputs)}

        return Step.lambda_(name, perform)

    steps = [step(f"step{number}", disturb) for number, disturb in enumerate((*disturbances, lambda: None), 1)]
    return Workflow("disturbed", steps), ran


@pytest.mark.parametrize("mode", ["immediate", "fast"])
def test_a_restart_of_postgresql_during_a_step_costs_no_step(own_postgres: PostgresServer, own_postgres_url, mode):
    workflow, ran = workflow_with(lambda: None, lambda: own_postgres.restart(mode))

    with WorkflowRunner(own_postgres_url) as runner:
        result = runner.execute(workflow)
        stored = runner.get_run(result.run_id)

    assert result.status is RunStatus.COMPLETED
    assert ran == ["step1", "step2", "step3"]
    assert stored.status is RunStatus.COMPLETED
    assert stored.context.outputs["step3"] == {"seen": ["step1", "step2"]}


def test_connections_ended_by_the_server_during_every_step_cost_no_step(postgres: PostgresServer, postgres_url: str):
    def hang_up() -> None:
        with psycopg.connect(postgres_url, autocommit=True) as admin:
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )

    workflow, ran = workflow_with(hang_up, hang_up, hang_up)

    with WorkflowRunner(postgres_url) as runner:
        result = runner.execute(workflow)
        checkpoints = runner.list_checkpoints(result.run_id)

    assert result.status is RunStatus.COMPLETED
    assert ran == ["step1", "step2", "step3", "step4"]
    assert [checkpoint.sequence for checkpoint in checkpoints] == [1, 2, 3, 4]


def test_a_database_that_stays_away_is_a_clear_error_and_the_run_resumes_later(
    own_postgres: PostgresServer, own_postgres_url: str
):
    down = [True]

    def stop_once() -> None:
        if down.pop() if down else False:
            own_postgres.stop("immediate")

    workflow, ran = workflow_with(lambda: None, stop_once)

    with WorkflowRunner(own_postgres_url, reconnect_seconds=0.3, lease_seconds=0.5) as runner:
        with pytest.raises(StoreUnavailable, match="gave up reconnecting after 0.3 s"):
            runner.execute(workflow, run_id="away")
        own_postgres.start()
        own_postgres.wait_until_ready()
        result = resume_when_free(runner, "away")

    assert result.status is RunStatus.COMPLETED
    assert ran == ["step1", "step2", "step2", "step3"]


def test_a_database_that_is_away_between_two_checkpoints_stops_no_step(
    own_postgres: PostgresServer, own_postgres_url: str
):
    starting = threading.Thread(target=own_postgres.start)

    def stop_and_start() -> None:
        own_postgres.stop("immediate")
        starting.start()

    workflow, ran = workflow_with(lambda: None, stop_and_start, lambda: None)

    with WorkflowRunner(own_postgres_url, checkpoint_strategy="key_steps") as runner:
        result = runner.execute(workflow, run_id="away")
        stored = runner.get_run("away")
    starting.join()

    assert (result.status, stored.status) == (RunStatus.COMPLETED, RunStatus.COMPLETED)
    assert ran == ["step1", "step2", "step3", "step4"]


def resume_when_free(runner: WorkflowRunner, run_id: str) -> Any:
    """Resume a run as soon as the lease of its dead driver has expired."""
    wait_for(lambda: runner.get_run(run_id).lease is None)
    return runner.resume(run_id)


@pytest.mark.parametrize("loss", [Loss.QUESTION, Loss.ANSWER, Loss.REST])
def test_a_commit_whose_answer_is_lost_is_found_out_and_its_step_not_run_again(postgres_url: str, loss: Loss):
    with proxied(postgres_url) as (proxy, url):
        workflow, ran = workflow_with(lambda: None, lambda: proxy.lose(loss), lambda: None)
        with WorkflowRunner(url) as runner:
            result = runner.execute(workflow)
            checkpoints = runner.list_checkpoints(result.run_id)

    assert proxy.losses == 1
    assert result.status is RunStatus.COMPLETED
    assert ran == ["step1", "step2", "step3", "step4"]
    assert [checkpoint.sequence for checkpoint in checkpoints] == [1, 2, 3, 4]


@LOST_ON_THE_WAY
def test_the_last_commit_whose_answer_is_lost_ends_the_run_as_completed(postgres_url: str, loss: Loss, after: int):
    with proxied(postgres_url) as (proxy, url):
        last = Step.lambda_("last", lambda ctx, config: proxy.lose(loss, after=after) or {})
        with WorkflowRunner(url) as runner:
            result = runner.execute(Workflow("short", [last]))
            stored = runner.get_run(result.run_id)

    assert proxy.losses == 1
    assert (result.status, stored.status) == (RunStatus.COMPLETED, RunStatus.COMPLETED)


@LOST_ON_THE_WAY
def test_a_failure_whose_record_is_lost_on_the_way_is_still_recorded(postgres_url: str, loss: Loss, after: int):
    def fail(ctx: Any, config: dict[str, Any]) -> None:
        proxy.lose(loss, after=after)
        raise RuntimeError("no luck")

    with proxied(postgres_url) as (proxy, url), WorkflowRunner(url) as runner:
        result = runner.execute(Workflow("unlucky", [Step.lambda_("only", fail)]))
        stored = runner.get_run(result.run_id)

    assert proxy.losses == 1
    assert (stored.status, stored.error) == (RunStatus.FAILED, "no luck")


def test_a_connection_that_falls_silent_is_given_up_and_costs_no_step(postgres_url: str):
    with proxied(postgres_url) as (proxy, url):
        workflow, ran = workflow_with(lambda: None, proxy.fall_silent, lambda: None)
        with WorkflowRunner(f"{url}?answer_timeout=0.2") as runner:
            result = runner.execute(workflow)
            checkpoints = runner.list_checkpoints(result.run_id)

    assert result.status is RunStatus.COMPLETED
    assert ran == ["step1", "step2", "step3", "step4"]
    assert [checkpoint.sequence for checkpoint in checkpoints] == [1, 2, 3, 4]


def test_a_reader_whose_connection_fell_silent_takes_a_new_one(postgres_url: str):
    with proxied(postgres_url) as (proxy, url), WorkflowRunner(f"{url}?answer_timeout=0.2") as runner:
        before = runner.list_runs()
        proxy.fall_silent()

        assert runner.list_runs() == before == []


@pytest.mark.parametrize(("fails", "status"), [(False, "completed"), (True, "failed")])
def test_an_end_that_is_still_at_work_when_its_connection_is_lost_is_found_out_later(
    postgres_url: str, fails: bool, status: str
):
    with (
        proxied(postgres_url) as (proxy, url),
        psycopg.connect(postgres_url) as other,
        psycopg.connect(postgres_url, autocommit=True) as admin,
    ):

        def waiting(sessions: int) -> bool:
            return admin.execute(WAITING).fetchone() == (sessions,)

        def disturb() -> None:
            wait_for(lambda: waiting(1))
            proxy.hang_up()
            wait_for(lambda: waiting(2))
            other.rollback()

        def perform(ctx: Any, config: dict[str, Any]) -> dict[str, Any]:
            other.execute("SELECT 1 FROM core_workflow_runs FOR UPDATE")
            disturbing.start()
            if fails:
                raise ValueError("mine")
            return {}

        disturbing = threading.Thread(target=disturb)
        with WorkflowRunner(url) as runner:
            result = runner.execute(Workflow("w", [Step.lambda_("last", perform)]))
            stored = runner.get_run(result.run_id)
        disturbing.join()

    assert (result.status, stored.status) == (status, status)
    assert stored.error == ("mine" if fails else None)


class Meanwhile(logging.Handler):
    """Does something to the runs once, when a connection was lost and before it is opened again.

    The first that is told of is that whose COMMIT has taken a lease.
    """

    def __init__(self, url: str, statement: str) -> None:
        super().__init__(logging.WARNING)
        self._url, self._statement = url, statement
        self.touched = 0

    def emit(self, record: logging.LogRecord) -> None:
        if not self.touched and record.getMessage().startswith("store.lost"):
            with psycopg.connect(self._url, autocommit=True) as other:
                self.touched = other.execute(self._statement).rowcount


@pytest.fixture
def meanwhile(postgres_url: str, request: pytest.FixtureRequest) -> Iterator[Meanwhile]:
    handler = Meanwhile(postgres_url, request.param)
    logging.getLogger("spine").addHandler(handler)
    yield handler
    logging.getLogger("spine").removeHandler(handler)


def lose_each_answer_once(url: str, *, is_new: bool, then: Callable[[Callable[[], WorkflowResult]], None]) -> list[str]:
    """Drive a run of one step for each answer that can be lost on the way; give the runs whose step was run."""
    ran: list[str] = []

    def perform(ctx: Any, config: dict[str, Any]) -> dict[str, Any]:
        if ctx.params["fails"]:
            raise RuntimeError("no luck")
        ran.append(ctx.run_id)
        proxy.lose(Loss.NOTHING)
        return {}

    workflow = Workflow("lucky", [Step.lambda_("only", perform)])

    def drive(runner: WorkflowRunner, run_id: str) -> WorkflowResult:
        if is_new:
            return runner.execute(workflow, {"fails": False}, run_id=run_id)
        return runner.resume(run_id, {"fails": False})

    with proxied(url) as (proxy, through):
        for after in itertools.count():
            with WorkflowRunner(through) as runner:  # which asks the same as the one before
                if not is_new:
                    runner.execute(workflow, {"fails": True}, run_id=f"r{after}")
                proxy.lose(Loss.ANSWER, after=after)
                then(partial(drive, runner, f"r{after}"))
                if proxy.losses <= after:  # there is no further answer before the step that it could lose
                    break
                proxy.lose(Loss.NOTHING)
    assert after > FEWEST_QUESTIONS
    return ran


@pytest.mark.parametrize("is_new", [True, False], ids=["execute", "resume"])
def test_no_answer_that_is_lost_on_the_way_to_a_lease_leaves_the_run_to_nobody(postgres_url: str, is_new: bool):
    results = []

    def then(drive: Callable[[], WorkflowResult]) -> None:
        try:
            results.append(drive())
        except StoreUnavailable:
            results.append(drive())  # RunIsHeld, if the first had taken the lease

    ran = lose_each_answer_once(postgres_url, is_new=is_new, then=then)

    assert {result.status for result in results} == {RunStatus.COMPLETED}
    assert ran == [result.run_id for result in results]


@pytest.mark.parametrize(
    "meanwhile",
    [
        "UPDATE core_workflow_runs SET status = 'cancelled', holder = NULL, expires_at = NULL WHERE status = 'running'",
        "UPDATE core_workflow_runs SET acquired_at = clock_timestamp() WHERE status = 'running'",
        "DELETE FROM core_workflow_runs WHERE status = 'running'",
    ],
    ids=["cancelled", "taken by another after a crash", "never taken"],
    indirect=True,
)
def test_a_lease_that_was_lost_before_its_driver_knew_that_he_had_it_runs_nothing(
    postgres_url: str, meanwhile: Meanwhile
):
    tries, lost = itertools.count(), []

    def then(drive: Callable[[], WorkflowResult]) -> None:
        run_id, was_touched = f"r{next(tries)}", meanwhile.touched
        with contextlib.suppress(StoreUnavailable):
            drive()
        if meanwhile.touched != was_touched:
            lost.append(run_id)

    ran = lose_each_answer_once(postgres_url, is_new=False, then=then)

    assert len(lost) == 1
    assert ran
    assert lost[0] not in ran


COMMIT_WAITS = """
CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN PERFORM pg_advisory_xact_lock_shared(1); RETURN NULL; END';
CREATE CONSTRAINT TRIGGER waits AFTER INSERT OR UPDATE ON core_workflow_runs DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.status = 'running') EXECUTE FUNCTION wait();
"""
SESSIONS = "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
DONE_ASKING = f"{SESSIONS} AND NOT pid = ANY(%s) AND state = 'idle' AND query ~ '^(COMMIT|ROLLBACK)'"


@pytest.mark.parametrize("is_new", [True, False], ids=["execute", "resume"])
def test_a_commit_that_still_takes_a_lease_when_its_connection_is_lost_is_waited_for(
    own_postgres_url: str, is_new: bool
):
    workflow, ran = workflow_with(lambda: None)
    with (
        proxied(own_postgres_url) as (proxy, url),
        psycopg.connect(own_postgres_url, autocommit=True) as other,  # a server of our own: nobody else's transactions
        WorkflowRunner(url) as runner,
    ):
        if not is_new:
            broken, _ = workflow_with(lambda: int("x"))
            runner.execute(broken, run_id="r")
        runner.register(workflow)

        def disturb() -> None:
            wait_for(lambda: other.execute(WAITING).fetchone() == (1,))
            sessions = [pid for (pid,) in other.execute(SESSIONS)]
            proxy.hang_up()
            wait_for(lambda: other.execute(DONE_ASKING, (sessions,)).fetchone() is not None)
            other.execute("SELECT pg_advisory_unlock_all()")

        other.execute(COMMIT_WAITS)
        other.execute("SELECT pg_advisory_lock(1)")
        disturbing = threading.Thread(target=disturb)
        disturbing.start()
        result = runner.execute(workflow, run_id="r") if is_new else runner.resume("r")
        disturbing.join()

    assert (result.status, ran) == (RunStatus.COMPLETED, ["step1", "step2"])
