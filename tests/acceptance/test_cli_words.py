"""What is said of words that no command takes, and of options given twice."""

import pytest

from spine.cli.params import read_params
from spine.errors import InvalidParams
from tests.acceptance.command import ORDERS


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (("run", "orders.py", "day=2026-01-11"), "--param day=2026-01-11"),
        (("run", "orders.py", "--param", "a=1", "b=two words", "c=3"), "--param 'b=two words' --param c=3"),
        (("resume", "r1", "--app", "orders.py", "target=main"), "--param target=main"),
        (("run", "orders", "orders.py:orders"), "--app orders.py:orders"),
        (("recover", "orders.py"), "--app orders.py"),
        (("runs", "list", "failed"), "--status failed"),
        (("runs", "list", "--limit", "3", "crashed", "7d"), "--status crashed --since 7d"),
        (("runs", "list", "2026-01-31"), "--since 2026-01-31"),
        (("runs", "show", "r1", "sqlite:///other.db"), "--database-url sqlite:///other.db"),
        (("retention", "run", "30"), "--days 30"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_word_too_many_is_told_of_the_option_that_takes_it(spine, words, meant):
    said = spine(*words)

    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("spine: Got unexpected extra argument(s) (")
    assert f"). Did you mean {meant}? (see: spine {words[0]} " in said.err


def test_options_that_are_put_after_the_end_of_the_options_are_told_where_they_go(spine, place):
    (place / "orders.py").write_text(ORDERS)
    printed = spine("run", "orders.py", "--run-id", "-dash").resume_command

    appended = spine(*printed.split()[1:], "--param", "target=main")
    before = spine("resume", "--param", "target=main", *printed.split()[2:])

    assert printed == "spine resume --app orders.py -- -dash"
    assert (appended.code, appended.out) == (2, "")
    assert appended.err == (
        "spine: Got unexpected extra argument(s) (--param target=main). "
        "Options go before the --; what follows it is taken as it is (see: spine resume --help)\n"
    )
    assert before.out.startswith("run -dash of orders completed")


@pytest.mark.parametrize("word", ["extract", "postgresql://spine:pass@db/x", "postgresql://db/x?sslpassword=pass"])
def test_a_word_too_many_that_no_option_takes_or_that_holds_a_secret_is_told_of_none(spine, word):
    said = spine("runs", "show", "r1", word)

    assert said.code == 2
    assert "unexpected extra argument" in said.err
    assert "Did you mean" not in said.err
    assert "pass@" not in said.err


@pytest.mark.parametrize(
    ("words", "option"),
    [
        (("retention", "run", "--days", "1", "--days", "2"), "--days"),
        (("runs", "list", "--limit", "1", "--status", "failed", "--limit=1"), "--limit"),
        (("run", "orders.py", "--run-id", "a", "--run-id", "b"), "--run-id"),
        (("runs", "show", "r1", "--database-url", "sqlite:///a.db", "--database-url", "sqlite:///b.db"), "--database"),
        (("--app", "a.py", "--app", "b.py", "runs", "list"), "--app"),
        (("runs", "--app", "a.py", "--app", "b.py", "list"), "--app"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_an_option_of_one_value_that_is_given_twice_is_refused(spine, place, words, option):
    (place / "orders.py").write_text(ORDERS)

    said = spine(*words)

    assert (said.code, said.out) == (2, "")
    assert said.err.startswith(f"spine: {option}")
    assert " is given twice; leave one of them out (see: spine " in said.err
    assert not list(place.glob("*.db"))


def test_what_may_be_given_again_is_taken_again(spine, place):
    (place / "orders.py").write_text(ORDERS)

    said = spine("run", "orders.py", "-q", "-q", "--param", "target=x", "--param", "day=1", "--run-id", "r1")

    assert said.code == 0, said.err
    assert spine("runs", "show", "r1", "--json").json["params"] == {"target": "x", "day": 1}


def test_a_param_that_is_also_given_as_a_secret_is_refused():
    with pytest.raises(InvalidParams, match="param 'pw' is given by --param and by --secret; leave one of them out"):
        read_params(["pw=3"], None, ["pw=HPW"])


def test_a_param_and_a_secret_win_over_the_file(spine, place, monkeypatch):
    (place / "orders.py").write_text(ORDERS)
    (place / "pp.json").write_text('{"pw": "in the file", "target": "file", "day": 1}')
    monkeypatch.setenv("HPW", "hunter2")

    words = ("--params-file", "pp.json", "--secret", "pw=HPW", "--param", "target=main")
    said = spine("run", "orders.py", "--run-id", "r1", *words)

    assert said.code == 0, said.err
    shown = spine("runs", "show", "r1", "--json").json["params"]
    assert shown == {"pw": {"$secret": "HPW"}, "target": "main", "day": 1}


def test_a_run_that_is_to_go_on_and_is_not_there_is_said_to_be_new(spine, place):
    (place / "orders.py").write_text(ORDERS)
    spine("run", "orders.py", "--run-id", "monday", "--param", "target=main")

    slip = spine("run", "orders.py", "--run-id", "mondya", "--start-from", "report")

    assert slip.code == 0
    assert "run 'mondya' is new: it begins at report, step 4 of 4" in slip.err
    assert "is new" not in spine("run", "orders.py", "--run-id", "monday", "--start-from", "report").err
    assert "is new" in spine("run", "orders.py", "--run-id", "x", "--start-from", "report", "-q").err


def test_a_param_that_the_model_would_leave_out_is_told(spine, place):
    (place / "daily.py").write_text(
        "from pydantic import BaseModel, Field\n"
        "from spine.orchestration import Step, Workflow\n"
        "class Params(BaseModel):\n    limit: int = Field(100, alias='most')\n"
        "daily = Workflow('daily', [Step.lambda_('a', lambda ctx, config: {})], params_model=Params)\n"
    )

    said = spine("run", "daily.py", "--param", "limt=5", "--param", "most=6", "-q")

    assert said.code == 0
    assert said.err == "spine: param 'limt' is left out: the params_model of workflow 'daily' does not know it\n"


@pytest.mark.parametrize(
    "own",
    [
        "@model_validator(mode='before')\n    def old(cls, given): return {'most': given['limit']}",
        "def __init__(self, limit): super().__init__(most=limit)",
    ],
)
def test_a_param_that_code_of_the_model_may_know_is_not(spine, place, own):
    (place / "daily.py").write_text(
        "from pydantic import BaseModel, model_validator\n"
        "from spine.orchestration import Step, Workflow\n"
        f"class Params(BaseModel):\n    most: int\n    {own}\n"
        "daily = Workflow('daily', [Step.lambda_('a', lambda ctx, config: {'most': ctx.params['most']})], "
        "params_model=Params)\n"
    )

    said = spine("run", "daily.py", "--param", "limit=5", "-q")

    assert (said.code, said.err) == (0, "")
