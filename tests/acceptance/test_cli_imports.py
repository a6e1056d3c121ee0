"""The file with the workflows is imported by every command: it must not run them, nor take what is another's."""

import pytest

LOAD = "from spine.orchestration import Step, Workflow, pipeline\n@pipeline('load')\ndef load(params): return {}\n"
FLOW = (
    "from spine.orchestration import Step, Workflow\n"
    "flow = Workflow({!r}, [Step.lambda_('only', lambda ctx, config: {{}})])\n"
    "def later():\n"
    "    pass\n"
)


@pytest.fixture
def apps(place):
    """Two files that each register a pipeline `load`; the second also has the first one's workflow."""
    for name in ("sales", "stock"):
        (place / f"{name}.py").write_text(f"{LOAD}{name} = Workflow('{name}', [Step.pipeline('a', 'load')])\n")
    with (place / "stock.py").open("a") as file:
        file.write("import sys\nif 'sales' in sys.modules: again = sys.modules['sales'].sales\n")
    return place


@pytest.fixture
def folders(place):
    """Two folders that each have a module `common`."""
    for number, name in enumerate(("p1", "p2")):
        (place / name).mkdir()
        (place / name / "common.py").write_text(f"NUMBER = {number}\n")
    return place


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


@pytest.mark.parametrize(
    "words",
    [
        ("recover", "--app", "sales.py,stock.py"),
        ("workflows", "list", "--app", "stock.py,sales"),
        ("run", "stock.py:stock", "--app", "sales.py"),
        ("run", "stock.py:again", "--app", "sales.py"),
    ],
    ids=" ".join,
)
def test_two_apps_that_register_different_pipelines_of_one_name_are_refused(spine, apps, words):
    said = spine(*words)

    assert (said.code, said.out) == (2, "")
    assert "two different functions are registered as pipeline 'load': one by " in said.err
    assert all(f" ({apps / app}:2)" in said.err for app in ("sales.py", "stock.py"))
    assert "; rename one, or leave one out: --app names all apps" in said.err


def test_one_app_of_two_with_pipelines_of_one_name_can_be_named_alone(spine, apps):
    sales, stock = spine("run", "sales.py", "--json"), spine("run", "stock.py:stock", "--json")

    assert [(said.code, said.json["status"]) for said in (sales, stock)] == [(0, "completed")] * 2


def test_a_pipeline_that_is_registered_again_is_no_conflict(spine, place):
    (place / "loads.py").write_text(LOAD + "class It:\n    def load(self, params): pass\nit = It()\n")
    again = "from spine.orchestration import pipeline\n{}\npipeline('load')(load)\npipeline('bound')(it.load)\n"
    (place / "one.py").write_text(again.format("from loads import load, it"))
    (place / "two.py").write_text(again.format("from loads import load, it"))
    (place / "own.py").write_text("from spine.orchestration import pipeline\n" + 2 * "pipeline('own')(lambda: {})\n")
    (place / "link.py").symlink_to("own.py")

    said = spine("workflows", "list", "--app", "one.py,./one.py,two,own.py,link.py")

    assert said.code == 0, said.err


def test_a_pipeline_whose_module_was_imported_under_two_names_is_no_conflict(spine, place):
    (place / "nightly").mkdir()
    (place / "nightly" / "__init__.py").touch()
    (place / "nightly" / "loads.py").write_text(LOAD)
    (place / "nightly" / "first.py").write_text("import loads\n")
    (place / "nightly" / "second.py").write_text("import nightly.loads\n")

    said = spine("workflows", "list", "--app", "nightly/first.py,nightly.second")

    assert said.code == 0, said.err


@pytest.mark.parametrize("content", ["import common\n{}", "{}    from common import NUMBER\n"], ids=["at once", "late"])
@pytest.mark.parametrize("other", ["import common\n{}", "{}    import common.below\n"], ids=["at once", "late"])
@pytest.mark.parametrize("is_package", [False, True], ids=["module", "package"])
def test_two_apps_that_import_different_modules_of_one_name_are_refused(spine, folders, content, other, is_package):
    (folders / "p1" / "flow.py").write_text(content.format(FLOW.format("one")))
    (folders / "p2" / "flow.py").write_text(other.format(FLOW.format("two")))
    if is_package:
        (folders / "p2" / "common.py").unlink()
        (folders / "p2" / "common").mkdir()
        (folders / "p2" / "common" / "__init__.py").write_text("")

    refused = spine("recover", "--app", "p1/flow.py,p2/flow.py")
    beside = spine("run", "p2/flow.py", "--app", "p1/flow.py")

    for said in (refused, beside):
        assert (said.code, said.out) == (2, "")
        assert "/flow.py imports 'common' and would get that of p" in said.err
        assert "; rename one of these modules, or leave one app out: --app names all apps" in said.err


@pytest.mark.parametrize(
    ("test", "code"),
    [
        ("TYPE_CHECKING", 0),
        ("typing.TYPE_CHECKING", 0),
        ("__name__ == '__main__'", 0),
        ("not TYPE_CHECKING", 2),
        ("__name__ != '__main__'", 2),
        ("TYPE_CHECKING or True", 2),
    ],
)
def test_an_import_counts_if_it_can_be_reached(spine, folders, test, code):
    guarded = f"import typing\nfrom typing import TYPE_CHECKING\nif {test}:\n    import common\n"
    (folders / "p1" / "flow.py").write_text("import common\n" + FLOW.format("one"))
    (folders / "p2" / "flow.py").write_text(guarded + FLOW.format("two"))

    assert spine("workflows", "list", "--app", "p1/flow.py,p2/flow.py").code == code


@pytest.mark.parametrize("made", ["functools.partial(load, n=n)", "Loader(n)", "closure(n)"])
@pytest.mark.parametrize(("numbers", "code"), [((1, 1), 0), ((0, 1), 2)], ids=["anew", "differently"])
def test_pipelines_that_apps_have_made_in_one_place_are_compared_by_what_they_hold(spine, place, made, numbers, code):
    (place / "loads.py").write_text(
        "import functools\nfrom spine.orchestration import pipeline\n"
        "def load(params, n=0): return {}\n"
        "class Loader:\n"
        "    def __init__(self, n): self.n = n\n"
        "    def __call__(self, params): return {}\n"
        "def closure(n): return lambda params: {'n': n}\n"
        f"def register(n): pipeline('load')({made})\n"
    )
    for number, app in zip(numbers, ("one.py", "two.py"), strict=True):
        (place / app).write_text(f"import loads\nloads.register({number})\n")

    said = spine("workflows", "list", "--app", "one.py,two.py")

    assert said.code == code, said.err


def test_apps_that_each_get_the_module_beside_them_are_loaded_together(spine, folders):
    (folders / "p1" / "flow.py").write_text("import common\n" + FLOW.format("one"))
    (folders / "p1" / "more.py").write_text("import common\n" + FLOW.format("more"))
    (folders / "p2" / "flow.py").write_text(FLOW.format("two"))
    (folders / "p3").mkdir()
    (folders / "p3" / "common.py").symlink_to("../p1/common.py")
    (folders / "p3" / "flow.py").write_text("import common\n" + FLOW.format("three"))
    (folders / "link.py").symlink_to("p1/flow.py")

    said = spine("workflows", "list", "--app", "p1/flow.py,p1/more.py,p2/flow.py,p3/flow.py,link.py", "--json")

    assert [workflow["name"] for workflow in said.json] == ["more", "one", "three", "two"], said.err


def test_a_module_of_a_package_is_not_taken_for_one_of_the_same_name_beside_it(spine, folders):
    (folders / "common.py").write_text("NUMBER = 3\n")
    (folders / "p1" / "__init__.py").touch()
    (folders / "p1" / "flow.py").write_text("from .common import NUMBER\n" + FLOW.format("one"))
    (folders / "p2" / "flow.py").write_text("import common\n" + FLOW.format("two"))

    said = spine("workflows", "list", "--app", "p2/flow.py,p1.flow", "--json")

    assert [workflow["name"] for workflow in said.json] == ["one", "two"], said.err


@pytest.fixture
def etl(place):
    """A package `etl` in a folder `job`, whose workflows import relatively, and a folder `loose` with the same file."""
    for folder in (place / "job" / "etl", place / "loose"):
        folder.mkdir(parents=True)
        (folder / "sources.py").touch()
        (folder / "workflows.py").write_text(f"from . import sources\n{FLOW.format('orders')}")
    (place / "job" / "etl" / "__init__.py").touch()
    return place


def test_a_file_of_a_package_that_imports_relatively_is_told_to_be_named_as_a_module(spine, etl, monkeypatch):
    refused = spine("workflows", "list", "--app", "job/etl/workflows.py")
    monkeypatch.chdir(etl / "job")
    here = spine("run", "etl/workflows.py")
    named = spine("workflows", "list", "--app", "etl.workflows", "--json")

    remedy = "; it is a module of a package, so name it as one: etl.workflows"
    assert [(said.code, said.out) for said in (refused, here)] == [(2, "")] * 2
    assert "cannot import job/etl/workflows.py: ImportError: attempted relative import with no known" in refused.err
    assert refused.err.endswith(f"{remedy}, from the folder {etl}/job, or with PYTHONPATH={etl}/job\n")
    assert here.err.endswith(f"{remedy}\n")
    assert [workflow["name"] for workflow in named.json] == ["orders"]


def test_a_file_that_imports_relatively_and_may_be_of_a_package_is_told_so(spine, etl):
    said = spine("workflows", "list", "--app", "loose/workflows.py")

    assert said.code == 2
    assert said.err.endswith(
        "; it imports as a module of a package does, so name it as one: PACKAGE.workflows in place of the file, "
        "from the folder that PACKAGE is in, or with that in PYTHONPATH\n"
    )


def test_a_relative_import_of_another_file_says_nothing_of_the_one_that_was_named(spine, etl):
    (etl / "loose" / "flow.py").write_text("import workflows\n")

    said = spine("workflows", "list", "--app", "loose/flow.py")

    assert said.err.endswith(f" ({etl}/loose/workflows.py, line 1)\n")


@pytest.mark.parametrize(
    ("module", "says"),
    [
        (
            "etl.workflows",
            (
                "can be imported from {place}, and there is no such file; go to the folder that has 'etl' in it, "
                "put that folder into PYTHONPATH, or install the package"
            ),
        ),
        ("job.etl.flows", "can be imported: 'job.etl', which is {place}/job/etl/__init__.py, has no 'flows' in it"),
        ("job.elt.flows", "can be imported: 'job', which is {place}/job, has no 'elt' in it"),
    ],
)
def test_a_module_that_is_not_there_is_told_with_where_it_was_looked_for(spine, etl, module, says):
    said = spine("workflows", "list", "--app", module)

    assert (said.code, said.err) == (2, f"spine: no module {module!r} {says.format(place=etl)}\n")


@pytest.mark.parametrize("holder", ["flows = [flow]; del flow", "flows = {'a': flow}; del flow", "del flow"])
def test_an_app_without_a_workflow_that_is_seen_is_told_what_it_lacks(spine, place, holder):
    (place / "app.py").write_text(f"{FLOW.format('orders')}{holder}\n")

    listed = spine("workflows", "list", "--app", "app")
    as_json = spine("workflows", "list", "--app", "app", "--json")
    ran, named = spine("run", "app"), spine("run", "app:orders")

    assert [(said.code, said.out) for said in (listed, as_json, ran, named)] == [(0, ""), (0, "[]\n"), (2, ""), (3, "")]
    for said in (listed, as_json, ran, named):
        assert said.err == (
            "spine: no workflow in app; it needs one that has a name at the top of the module, such as: "
            "flow = Workflow('flow', [...]); one in a list or a dict, or made inside a function, is not seen\n"
        )
