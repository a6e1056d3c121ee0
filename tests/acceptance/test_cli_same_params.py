"""A new run with the params of an earlier one: what `--json` shows is read back as the values that it shows."""

import json

import pytest

from spine.cli.params import read_pairs, read_params
from spine.errors import InvalidParams
from tests.acceptance.command import in_shell, typed

DATES = """
from datetime import date
from decimal import Decimal
from spine.orchestration import Step, Workflow

def load(ctx, config):
    return {"said": repr({name: ctx.params[name] for name in ("day", "rate", "days")})}

dates = Workflow(
    "dates",
    [Step.lambda_("load", load)],
    defaults={"day": date(2026, 1, 12), "rate": Decimal("1.10"), "days": ({"$ref": date(2026, 1, 1)}, 2**70)},
)
"""
PARAMS = """python3 -c "import json, sys; json.dump(json.load(sys.stdin)['params'], sys.stdout)" """


@pytest.fixture
def dates(place):
    (place / "dates.py").write_text(DATES)
    typed("run", "dates.py", "--run-id", "r1", place=place)
    return place


def outputs(place, run_id):
    return typed("checkpoints", "show", run_id, "--json", place=place).json["context_snapshot"]["outputs"]


@pytest.mark.parametrize("is_purged", [False, True], ids=["kept", "expired"])
def test_a_run_is_started_anew_with_the_params_of_another_from_the_shell(dates, is_purged):
    before = outputs(dates, "r1")
    if is_purged:
        typed("retention", "run", "--days", "1e-9", place=dates)

    again = in_shell(
        f"spine runs show r1 --json | {PARAMS} | spine run dates.py --run-id r2 --params-file -", place=dates
    )

    assert again.code == 0, again.err
    assert outputs(dates, "r2") == before
    assert "datetime.date(2026, 1, 12)" in before["load"]["said"]
    shown = [typed("runs", "show", run_id, "--json", place=dates).json["params"] for run_id in ("r1", "r2")]
    assert shown[0] == shown[1]


def test_a_param_and_a_partition_are_read_as_a_file_is(dates):
    day = '{"$date": "2026-02-01"}'
    said = typed(
        *("run", "dates.py", "--run-id", "r2", "--param", f"day={day}", "--partition", f"of={day}"), place=dates
    )
    shown = typed("runs", "show", "r2", "--json", place=dates).json

    assert said.code == 0, said.err
    assert "datetime.date(2026, 2, 1)" in outputs(dates, "r2")["load"]["said"]
    assert shown["params"]["day"] == shown["partition"]["of"] == {"$date": "2026-02-01"}


def test_a_tag_that_tags_nothing_is_refused_before_anything_runs(spine, place):
    (place / "dates.py").write_text(DATES)
    (place / "pp.json").write_text('{"day": {"$date": "soon"}}')

    said = [
        spine("run", "dates.py", "--params-file", "pp.json"),
        spine("run", "dates.py", "--param", 'day={"$date": "soon"}'),
    ]

    wrong = "has '$date' with 'soon', which is no date; write '$$date' for a key '$date'\n"
    assert [(each.code, each.err) for each in said] == [
        (2, f"spine: --params-file pp.json {wrong}"),
        (2, f"spine: --param day {wrong}"),
    ]
    assert not (place / "spine.db").exists()


def test_a_value_names_no_secret_of_its_own_and_one_given_again_is_taken(place):
    document = {"db": [{"password": {"$secret": "HOME"}}], "pw": {"$secret": "HPW"}, "day": {"$$date": 1}}
    (place / "pp.json").write_text(json.dumps(document))

    for pairs, secrets in (([], []), ([], ["pw=HPW"])):
        with pytest.raises(InvalidParams, match="--params-file pp.json: 'db' holds the secret 'HOME'"):
            read_params(pairs, "pp.json", secrets)
    with pytest.raises(InvalidParams, match="give it with --secret pw=VARIABLE"):
        read_params(["db=none"], "pp.json", [])
    with pytest.raises(InvalidParams, match="--param: 'pw' holds the secret 'HPW'"):
        read_pairs(['pw={"$set": [{"$secret": "HPW"}]}'], "--param")

    taken = read_params(["db=none"], "pp.json", ["pw=HPW"])

    assert {name: str(value) for name, value in taken.items()} == {
        "day": "{'$date': 1}",
        "db": "none",
        "pw": "Secret(name='HPW')",
    }


def test_the_longest_number_may_be_below_zero(place):
    (place / "pp.json").write_text(json.dumps({"n": -(10**4299)}))

    assert read_params([], "pp.json", []) == {"n": -(10**4299)}


def test_an_object_of_other_keys_than_text_is_refused_as_one(spine, place):
    (place / "pp.json").write_text('{"$dict": [1, {"$secret": "HOME"}]}')

    said = spine("run", "orders.py", "--params-file", "pp.json")

    assert said.code == 2
    assert "--params-file pp.json: '1' holds the secret 'HOME'" in said.err
