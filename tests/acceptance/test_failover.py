"""A standby of PostgreSQL takes over in the middle of a run: with what it has the run goes on, a gap is told."""

from collections.abc import Callable, Iterator

import pytest

from spine.orchestration import Registry, RunStatus, StoreUnavailable, Verdict, WorkflowRunner
from tests.acceptance.recorded import Ran, wait_for
from tests.conftest import upgrade
from tests.servers.clusters import standby_of
from tests.servers.databases import migrated_template
from tests.servers.postgres import HOST, PostgresServer

STEPS = ("a", "b", "c", "d")
Cluster = tuple[PostgresServer, PostgresServer, str]


@pytest.fixture
def cluster(new_postgres: Callable[..., PostgresServer]) -> Iterator[Cluster]:
    """A primary, the standby that follows it, and the name of a database with Spine's tables."""
    primary = new_postgres()
    database = primary.create_database(migrated_template(primary, upgrade)).rpartition("/")[2]
    with standby_of(primary) as standby:
        yield primary, standby, database


def whoever_writes(cluster: Cluster) -> WorkflowRunner:
    primary, standby, database = cluster
    login = primary.url(database).partition(f"@{HOST}")[0]
    hosts = f"host={HOST}:{primary.port}&host={HOST}:{standby.port}"
    return WorkflowRunner(f"{login}@/{database}?{hosts}&target_session_attrs=read-write", registry=Registry())


def promote(standby: PostgresServer) -> None:
    with standby.connect() as connection:
        assert connection.execute("SELECT pg_promote()").fetchone() == (True,)


def has_all(standby: PostgresServer, primary: PostgresServer) -> bool:
    with primary.connect() as there, standby.connect() as here:
        row = there.execute("SELECT pg_current_wal_flush_lsn()").fetchone()
        return here.execute("SELECT pg_last_wal_replay_lsn() >= %s", row).fetchone() == (True,)


def test_a_run_goes_on_with_the_standby_that_took_over(cluster, ran: Ran):
    primary, standby, _ = cluster

    def fail_over(_ctx):
        wait_for(lambda: has_all(standby, primary))
        primary.kill()
        promote(standby)
        return {}

    with whoever_writes(cluster) as runner:
        run_id = runner.execute(ran.workflow("a", "b", ran.step("c", fail_over), "d")).run_id
        sequences = [checkpoint.sequence for checkpoint in runner.list_checkpoints(run_id)]
        status = runner.get_summary(run_id).status

    assert (status, ran.steps, sequences) == (RunStatus.COMPLETED, list(STEPS), [1, 2, 3, 4])


def test_a_step_that_the_new_primary_lacks_stops_the_run_and_runs_again(cluster, ran: Ran):
    primary, standby, _ = cluster

    def fall_behind(_ctx):
        if standby.is_running() and primary.is_running():
            wait_for(lambda: has_all(standby, primary))
            standby.stop()  # so that this step is saved without it
        return {}

    def fail_over(_ctx):
        if primary.is_running():
            primary.kill()
            standby.start()
            promote(standby)
        return {}

    workflow = ran.workflow("a", ran.step("b", fall_behind), ran.step("c", fail_over), "d")
    with whoever_writes(cluster) as runner:
        runner.register(workflow)

        stopped = runner.execute(workflow)
        kept = [checkpoint.step_name for checkpoint in runner.list_checkpoints(stopped.run_id)]
        tried = ran.taken()
        resumed = runner.resume(stopped.run_id)
        sequences = [checkpoint.sequence for checkpoint in runner.list_checkpoints(stopped.run_id)]

    assert (stopped.status, stopped.error_step, tried, kept) == (RunStatus.FAILED, "c", ["a", "b", "c"], ["a"])
    assert (stopped.error_type, stopped.error_category) == ("StoreWentBack", "transient")
    assert "a step that was saved is gone" in stopped.error
    assert (resumed.status, ran.steps, sequences) == (RunStatus.COMPLETED, ["b", "c", "d"], [1, 2, 3, 4])


def test_a_standby_can_be_read_and_says_that_it_takes_no_writes(cluster, ran: Ran):
    _, standby, database = cluster

    with WorkflowRunner(standby.url(database), registry=Registry()) as runner:
        with pytest.raises(StoreUnavailable, match="takes no writes: a standby"):
            runner.execute(ran.workflow("a"))
        runs = runner.list_runs()
        (found,) = [finding for finding in runner.examine() if finding.subject == "writes"]

    assert (ran.steps, runs) == ([], [])
    assert (found.verdict, found.seen) == (Verdict.ADVICE, "none: this is a standby")


def test_a_primary_whose_commits_wait_for_a_standby_that_is_away_says_so(cluster, ran: Ran):
    primary, standby, database = cluster

    def found(runner: WorkflowRunner) -> list[tuple[Verdict, str]]:
        return [(each.verdict, each.seen) for each in runner.examine() if each.subject == "writes"]

    with primary.connect() as connection:
        connection.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
        connection.execute("SELECT pg_reload_conf()")
        wait_for(lambda: connection.execute("SHOW synchronous_standby_names").fetchone() == ("*",))
    url = f"{primary.url(database)}?answer_timeout=0.5"
    with WorkflowRunner(url, registry=Registry(), reconnect_seconds=0) as runner:
        attached = found(runner)
        standby.stop()
        wait_for(lambda: found(runner) != attached)
        away = found(runner)
        with pytest.raises(StoreUnavailable, match="does not answer; .* wait for a synchronous standby"):
            runner.execute(ran.workflow("a"))

    assert attached == [(Verdict.FINE, "taken")]
    assert away == [(Verdict.PROBLEM, "none: commits wait for a standby of synchronous_standby_names=*")]
    assert ran.steps == []
