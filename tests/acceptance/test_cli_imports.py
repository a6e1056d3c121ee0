"""The file with the workflows is imported by every command, and must not run them by itself."""

import pytest


@pytest.mark.parametrize("call", ["runner.execute(workflow)", "runner.resume('monday')", "runner.recover()"])
def test_a_file_that_runs_its_workflow_when_it_is_imported_is_refused_before_anything_runs(spine, place, call):
    (place / "script.py").write_text(
        "from pathlib import Path\n"
        "from spine.orchestration import Step, Workflow, WorkflowRunner\n"
        "workflow = Workflow('script', [Step.lambda_('only', lambda ctx, config: Path('ran').touch())])\n"
        "with WorkflowRunner('sqlite:///own.db') as runner:\n"
        f"    {call}\n"
    )

    said = spine("workflows", "list", "--app", "script.py")

    assert said.code == 2
    assert "cannot import script.py: InvalidWorkflow: it runs a workflow when it is imported" in said.err
    assert "put that behind: if __name__ == '__main__'" in said.err
    assert "script.py, line 5)" in said.err
    assert not (place / "ran").exists()


def test_so_is_one_that_does_so_in_a_registry_of_its_own_if_that_fails(spine, place):
    (place / "script.py").write_text(
        "from spine.orchestration import Registry, Step, Workflow, WorkflowRunner\n"
        "def fail(ctx, config):\n"
        "    raise OSError('down')\n"
        "workflow = Workflow('script', [Step.lambda_('only', fail)])\n"
        "with WorkflowRunner('sqlite:///own.db', registry=Registry()) as runner:\n"
        "    runner.execute(workflow, run_id='r1').raise_for_status()\n"
    )

    said = spine("resume", "r1", "--app", "script.py", "--database-url", "sqlite:///own.db")

    assert said.code == 2
    assert "cannot import script.py: it runs a workflow when it is imported; put that behind: if __name__" in said.err
    assert said.err.count("--database-url") == 1
