"""What `examine` says of a set-up."""

import os
import shutil
from pathlib import Path
from tempfile import mkdtemp

import psycopg
import pytest

from spine.orchestration import Finding, StoreError, Verdict, WorkflowRunner
from spine.stores.sql import checkup
from tests.contract.roles import as_role, role
from tests.servers.account import server_account
from tests.servers.postgres import PostgresServer
from tests.servers.session import Session


def examined(url: str) -> dict[str, Finding]:
    with WorkflowRunner(url) as runner:
        return {finding.subject: finding for finding in runner.examine()}


def test_a_migrated_database_is_fine_in_every_respect_that_matters(database_url: str):
    with WorkflowRunner(database_url) as runner:
        runner.list_runs()

    findings = examined(database_url)

    assert {"database", "schema", "clock", "version", "durability"} <= set(findings)
    assert findings["schema"].verdict is Verdict.FINE
    assert findings["clock"].verdict is Verdict.FINE
    assert findings["version"].verdict is Verdict.FINE


def test_a_file_that_everybody_may_read_is_worth_a_change(sqlite_url: str):
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    with WorkflowRunner(sqlite_url) as runner:
        runner.list_runs()

    path.chmod(0o644)
    readable = examined(sqlite_url)["permissions"]
    path.chmod(0o600)
    private = examined(sqlite_url)["permissions"]

    assert (readable.verdict, private.verdict) == (Verdict.ADVICE, Verdict.FINE)
    assert readable.remedy == f"everybody may read params and outputs: chmod o-rwx {path}*"


def test_a_disk_with_little_room_is_a_problem_and_the_room_is_that_where_the_file_is(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder = Path(mkdtemp(dir=session.folder))
    with WorkflowRunner(f"sqlite:///{folder}/spine.db") as runner:
        runner.list_runs()
    (tmp_path / "link.db").symlink_to(folder / "spine.db")
    free = shutil.disk_usage(folder).free

    enough = examined(f"sqlite:///{tmp_path}/link.db")["disk"]
    monkeypatch.setattr(checkup, "LEAST_ROOM", 2 * free)
    little = examined(f"sqlite:///{tmp_path}/link.db")["disk"]

    assert (enough.verdict, enough.remedy) == (Verdict.FINE, None)
    assert little.verdict is Verdict.PROBLEM
    assert little.seen.endswith(f" MB free in {folder}")
    assert little.remedy.startswith("free space there until ")


def test_a_file_that_is_not_there_yet_is_not_made_and_its_folder_is_looked_at(tmp_path: Path):
    (absent,) = examined(f"sqlite:///{tmp_path}/new.db").values()
    (ill,) = examined(f"sqlite:///{tmp_path}/no folder/new.db").values()

    assert (absent.verdict, absent.seen) == (Verdict.PROBLEM, f"{tmp_path}/new.db does not exist")
    assert absent.remedy == "check its name; if it is right, run: spine db upgrade"
    assert (ill.verdict, ill.remedy) == (Verdict.PROBLEM, f"make it: mkdir -p '{tmp_path}/no folder'")
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_a_folder_that_may_not_be_entered_is_a_finding_as_it_is_an_error(tmp_path: Path):
    (tmp_path / "private").mkdir(mode=0o600)
    examined("memory://"), examined(f"sqlite:///{tmp_path}/new.db")  # which imports what another account may not read
    ours = os.geteuid()

    with WorkflowRunner(f"sqlite:///{tmp_path}/private/spine.db") as runner:
        os.seteuid(server_account().uid)
        try:
            [finding] = runner.examine()
            with pytest.raises(StoreError, match="check that the folder exists and may be written") as caught:
                runner.list_runs()
        finally:
            os.seteuid(ours)

    assert (finding.verdict, finding.seen) == (Verdict.PROBLEM, str(caught.value))


def test_a_file_that_may_not_be_read_is_told_from_a_folder_that_may_not_be_written(session: Session):
    folder = Path(mkdtemp(dir=session.folder))  # which other accounts reach, unlike tmp_path
    folder.chmod(0o755)
    with WorkflowRunner(f"sqlite:///{folder}/spine.db") as runner:
        runner.list_runs()
    (folder / "spine.db").chmod(0)
    ours = os.geteuid()

    with WorkflowRunner(f"sqlite:///{folder}/spine.db") as runner:
        os.seteuid(server_account().uid)
        try:
            with pytest.raises(StoreError) as caught:
                runner.list_runs()
        finally:
            os.seteuid(ours)

    assert str(caught.value).endswith(
        "spine.db; this user may not read it; let this user read and write it, or check the name"
    )


def test_a_file_whose_name_is_too_long_is_a_finding(tmp_path: Path):
    (finding,) = examined(f"sqlite:///{tmp_path}/{'x' * 300}.db").values()

    assert finding.verdict is Verdict.PROBLEM
    assert "cannot open" in finding.seen


def test_tables_that_claim_two_revisions_are_told_what_to_do(rows, database_url: str):
    rows.ask("INSERT INTO core_workflow_schema VALUES ('0001')")

    findings = examined(database_url)

    assert findings["database"].verdict is Verdict.FINE
    assert findings["clock"].verdict is Verdict.FINE
    assert findings["schema"].verdict is Verdict.PROBLEM
    assert "holds 2 revisions" in findings["schema"].seen
    assert findings["schema"].remedy is not None
    assert findings["schema"].remedy.startswith("delete all rows of core_workflow_schema but the one that fits")
    assert "runs" not in findings


@pytest.mark.parametrize(
    ("dropped", "name"),
    [
        ("TABLE core_workflow_events", "core_workflow_events"),
        ("VIEW core_workflow_contexts", "core_workflow_contexts"),
        ("INDEX core_workflow_runs_by_end", "core_workflow_runs_by_end"),
    ],
)
def test_half_of_the_tables_is_told_to_be_restored(rows, database_url: str, dropped: str, name: str):
    rows.ask(f"DROP {dropped}")

    finding = examined(database_url)["schema"]

    assert finding.verdict is Verdict.PROBLEM
    assert f"and it lacks {name}" in finding.seen
    assert "restore it from a backup that is whole" in finding.remedy


def test_a_constraint_that_every_checkpoint_needs_is_missed(postgres_rows, postgres_url: str):
    postgres_rows.ask("ALTER TABLE core_workflow_checkpoints DROP CONSTRAINT unique_run_step")

    assert "and it lacks unique_run_step" in examined(postgres_url)["schema"].seen


def test_tables_of_a_newer_program_are_told_to_upgrade_the_program(rows, database_url: str):
    rows.ask("UPDATE core_workflow_schema SET version_num = '9999'")

    schema = examined(database_url)["schema"]

    assert schema.verdict is Verdict.PROBLEM
    assert schema.remedy == "upgrade spine-orchestrator"


def test_a_file_without_tables_may_have_the_wrong_name(tmp_path: Path):
    (tmp_path / "empty.db").touch()

    findings = examined(f"sqlite:///{tmp_path}/empty.db")

    assert (findings["schema"].verdict, findings["schema"].seen) == (Verdict.PROBLEM, "no tables")
    assert (tmp_path / "empty.db").stat().st_size == 0


def test_a_database_without_tables_is_told_how_to_get_them(empty_postgres_url: str):
    schema = examined(empty_postgres_url)["schema"]

    assert schema.verdict is Verdict.PROBLEM
    assert schema.remedy == "run: spine db upgrade"


@pytest.mark.parametrize(
    ("grants", "verdict", "seen", "remedy"),
    [
        ("", Verdict.PROBLEM, "may not read all tables", "GRANT SELECT ON core_workflow_schema TO reader"),
        (
            "GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader",
            Verdict.ADVICE,
            "lacks rights to drive runs",
            "DELETE",
        ),
        ("GRANT ALL ON ALL TABLES IN SCHEMA public TO reader", Verdict.FINE, "may drive runs", ""),
    ],
)
def test_a_role_is_told_what_it_may_not_do_and_what_to_grant(postgres, postgres_url, grants, verdict, seen, remedy):
    with role(postgres, granted_in=postgres_url) as name, psycopg.connect(postgres_url, autocommit=True) as owner:
        url = as_role(postgres_url, name)
        owner.execute(grants.replace("reader", name))

        finding = examined(url)["permissions"]
        owner.execute(_remedy_of(finding))

        assert (finding.verdict, seen in finding.seen) == (verdict, True)
        assert remedy.replace("reader", name) in str(finding.remedy)
        assert examined(url)["permissions"].verdict is Verdict.FINE


def test_a_role_that_may_not_make_the_tables_is_told_what_to_grant(postgres, empty_postgres_url):
    with role(postgres, granted_in=empty_postgres_url) as name:
        url = as_role(empty_postgres_url, name)

        finding = examined(url)["permissions"]
        with psycopg.connect(empty_postgres_url, autocommit=True) as owner:
            owner.execute(_remedy_of(finding))

        assert finding.verdict is Verdict.PROBLEM
        assert "may not make tables in schema public" in finding.seen
        assert examined(url)["permissions"].verdict is Verdict.FINE


def _remedy_of(finding: Finding) -> str:
    return (finding.remedy or "").rpartition(": ")[2]


def test_a_server_that_does_not_answer_is_the_only_finding_and_shows_no_password(postgres: PostgresServer):
    url = postgres.url("no_such_database")

    (finding,) = examined(url).values()

    assert finding.verdict is Verdict.PROBLEM
    assert postgres.secret not in repr(finding)


def test_a_database_that_takes_no_writes_is_told_how_it_will(postgres_url: str):
    with psycopg.connect(postgres_url, autocommit=True) as owner:
        name = owner.info.dbname
        owner.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")

    writes = examined(postgres_url)["writes"]

    assert (writes.verdict, writes.seen) == (Verdict.ADVICE, "none: transactions are read-only")
    assert "default_transaction_read_only off" in writes.remedy


def test_behind_a_pooler_the_role_must_carry_the_timeouts(postgres_url: str):
    direct, pooled = (examined(f"{postgres_url}{query}")["timeouts"] for query in ("", "?pooler=transaction"))

    assert direct.verdict is Verdict.FINE
    assert pooled.verdict is Verdict.ADVICE
    assert "SET statement_timeout = '30s'" in str(pooled.remedy)


def test_a_pooler_that_nobody_knows_is_refused():
    with pytest.raises(ValueError, match="pooler"):
        WorkflowRunner("postgresql://localhost/x?pooler=session")


def test_an_answer_that_is_given_up_before_its_statement_is_told(postgres_url: str):
    with WorkflowRunner(f"{postgres_url}?answer_timeout=30") as runner:
        [found] = [each for each in runner.examine() if each.subject == "timeouts"]

    assert found.verdict is Verdict.ADVICE
    assert found.seen == "statement_timeout=30s lock_timeout=10s answer_timeout=30s"
    assert "longer than statement_timeout" in str(found.remedy)


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf", "soon"])
def test_a_timeout_that_means_nothing_is_refused(seconds: str):
    with pytest.raises(ValueError, match="answer_timeout"):
        WorkflowRunner(f"postgresql://localhost/x?answer_timeout={seconds}")
