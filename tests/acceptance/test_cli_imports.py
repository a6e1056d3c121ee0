"""The file with the workflows is imported by every command, and must not run them by itself."""

import pytest


@pytest.mark.parametrize("registry", ["", "registry=Registry()"], ids=["default", "its own"])
@pytest.mark.parametrize("call", ["runner.execute(workflow)", "runner.resume('monday')", "runner.recover()"])
def test_a_file_that_runs_its_workflow_when_it_is_imported_is_refused_before_anything_runs(
    spine, place, call, registry
):
    (place / "script.py").write_text(
        "from pathlib import Path\n"
        "from spine.orchestration import Registry, Step, Workflow, WorkflowRunner\n"
        "workflow = Workflow('script', [Step.lambda_('only', lambda ctx, config: Path('ran').touch())])\n"
        f"with WorkflowRunner('sqlite:///own.db', {registry}) as runner:\n"
        f"    {call}\n"
    )

    said = spine("workflows", "list", "--app", "script.py")

    assert said.code == 2
    assert "cannot import script.py: InvalidWorkflow: it runs a workflow when it is imported" in said.err
    assert "put that behind: if __name__ == '__main__'" in said.err
    assert "script.py, line 5)" in said.err
    assert not (place / "ran").exists()
