"""What `spine runs show --app` says of a run whose workflow has changed since."""

import pytest

from spine.orchestration.registry import DEFAULT_REGISTRY

FLOW = """
from spine.orchestration import Step, Workflow

def load(ctx, config):
    raise OSError("disk full")

print("imported")
flow = Workflow("flow", [
    Step.lambda_("fetch", lambda ctx, config: {}),
    Step.lambda_("load", load),
    Step.lambda_("report", lambda ctx, config: {}),
])
"""
SHOW = ("runs", "show", "r1", "--app", "flow.py")


@pytest.fixture
def changed(spine, place):
    """Let a run fail at `load`, then change its workflow; the file is imported anew."""
    (place / "flow.py").write_text(FLOW)
    spine("run", "flow.py", "--run-id", "r1")

    def change(old, new):
        assert old in FLOW
        (place / "now.py").write_text(FLOW.replace(old, new))
        return (*SHOW[:-1], "now.py")

    return change


def test_a_resume_that_would_be_refused_is_not_offered_and_it_is_said_why(spine, changed):
    show = changed('"fetch"', '"download"')

    said, told = spine(*show), spine(*show, "--json")
    refused = spine("resume", "r1", "--app", "now.py")

    assert (said.code, told.code, refused.code) == (0, 0, 4)
    assert "goes on at" not in said.out
    assert "resume it with" not in said.out
    assert said.out.splitlines()[-1] == refused.err.strip().replace("spine: ", "a resume is refused: ", 1)
    assert "spine resume --app now.py r1 --renamed fetch=download" in said.out
    assert (told.json["next_step"], told.json["resume_command"]) == (None, None)
    assert refused.err == f"spine: {told.json['resume_refused']}\n"
    assert [step["state"] for step in told.json["steps"]] == ["done", "failed", "to do"]


def test_the_command_that_a_refusal_names_leads_to_the_database(spine, changed, place):
    show = changed('"fetch"', '"download"')

    said = spine(*show, "--database-url", f"sqlite:///{place}/spine.db")

    assert (
        f"(spine resume --app now.py --database-url sqlite:///{place}/spine.db r1 --renamed fetch=download)" in said.out
    )


def test_a_run_goes_on_at_the_step_that_stands_there_now(spine, changed):
    show = changed('    Step.lambda_("load"', '    Step.lambda_("check", load),\n    Step.lambda_("load"')

    told = spine(*show, "--json").json
    resumed = spine("resume", "r1", "--app", "now.py", "--json").json

    assert told["next_step"] == resumed["error_step"] == "check"
    assert told["resume_command"] == "spine resume r1 --app now.py"
    assert told["resume_refused"] is None


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ('"flow"', '"other"', "no workflow 'flow' is registered"),
        ("flow = Workflow", "undefined()\nflow = Workflow", "cannot import now.py: NameError"),
        ('Step.lambda_("load", load)', 'Step.pipeline("load", "no.such")', "pipeline 'no.such'"),
        ("def load", "def", "cannot import now.py: SyntaxError"),
        (
            '    Step.lambda_("load", load),\n    Step.lambda_("report", lambda ctx, config: {}),\n',
            "",
            "all that workflow 'flow' still has is done: fetch",
        ),
    ],
    ids=["another workflow", "broken", "no pipeline", "syntax", "all done"],
)
def test_whatever_a_resume_would_raise_is_said(spine, changed, monkeypatch, old, new, why):
    show = changed(old, new)
    monkeypatch.setattr(DEFAULT_REGISTRY, "_workflows", {})

    said = spine(*show)

    assert said.code == 0
    assert "a resume is refused: " in said.out
    assert why in said.out.splitlines()[-1]


def test_without_an_app_nothing_is_imported_and_what_the_file_prints_is_no_data(spine, changed, place, monkeypatch):
    show = changed('"report"', '"tell"')
    monkeypatch.setenv("SPINE_APP", "now.py")

    without, named = spine("runs", "show", "r1"), spine(*show, "--json")

    assert "imported" not in without.all
    assert "resume it with: spine resume r1\n" in without.out
    assert named.json["next_step"] == "load"
    assert "imported" in named.err
