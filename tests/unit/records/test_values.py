"""What a run knows cannot be changed by anybody who was given it."""

import pickle
from dataclasses import FrozenInstanceError

import pytest

from spine.codec.limits import DEFAULT_LIMITS, Limits
from spine.errors import InvalidParams, NotStorable
from spine.records.context import WorkflowContext
from spine.records.quality import QualityMetrics
from spine.records.values import Values


def context(**fields) -> WorkflowContext:
    return WorkflowContext(run_id="1", workflow_name="w", **fields)


@pytest.mark.parametrize("wrong", [5, [1], "text", {1}, None])
@pytest.mark.parametrize("name", ["params", "outputs", "quality_metrics", "partition"])
def test_a_context_made_by_hand_is_made_of_mappings(name, wrong):
    with pytest.raises(InvalidParams, match=f"{name} must be a mapping of names to values, not an? "):
        context(**{name: wrong})


@pytest.mark.parametrize("metrics", [{"a": 5}, {"a": None}, {"a": [1]}])
def test_the_metrics_of_a_step_are_a_mapping_too(metrics):
    with pytest.raises(InvalidParams, match="quality_metrics.a must be a mapping of names to values, not an? "):
        context(quality_metrics=metrics)


@pytest.mark.parametrize("wrong", [5, None, "params", [1], {"a": 1}])
def test_what_was_defaulted_is_a_set_of_names(wrong):
    with pytest.raises(InvalidParams, match="defaulted must be a set of names"):
        context(defaulted=wrong)


def test_values_are_read_like_a_mapping():
    values = Values.of({"b": [1], "a": {"x": 2}}, at="params")

    assert values == {"b": [1], "a": {"x": 2}}
    assert list(values) == ["b", "a"]
    assert "a" in values
    assert values.get("c", 3) == 3
    assert repr(values) == "{'b': [1], 'a': {'x': 2}}"
    assert pickle.loads(pickle.dumps(values)) == values
    with pytest.raises(KeyError):
        values["c"]


def test_values_have_no_way_to_be_changed():
    values = Values.of({"a": 1}, at="params")

    with pytest.raises(TypeError):
        values["a"] = 2
    with pytest.raises(TypeError):
        del values["a"]
    assert not {"update", "pop", "clear", "setdefault"} & set(dir(values))


def test_what_was_given_may_change_without_changing_the_values():
    rows = [1]
    given = {"rows": rows}

    values = Values.of(given, at="params")
    rows.append(2)
    given["more"] = 1

    assert values == {"rows": [1]}


def test_a_fresh_copy_does_not_see_what_was_done_to_the_other():
    values = Values.of({"rows": [1]}, at="params")

    values["rows"].append(2)

    assert values["rows"] == [1, 2]
    assert values.fresh()["rows"] == [1]
    assert values.merged(Values.of({"x": 1}, at="params"))["rows"] == [1]


@pytest.mark.parametrize("name", ["", "a\0", "\ud800", 5, None, ("a",)])
def test_an_entrys_name_is_text_that_every_database_takes(name):
    with pytest.raises(NotStorable, match="must be text"):
        Values.of({name: 1}, at="params")


@pytest.mark.parametrize("wrong", [5, "text", [1], [("a", 1)], {1}, object()])
def test_entries_come_as_a_mapping(wrong):
    with pytest.raises(InvalidParams, match="params must be a mapping of names to values"):
        context().with_params(wrong)
    with pytest.raises(InvalidParams, match="outputs must be a mapping"):
        context(outputs=wrong)


def test_a_value_that_cannot_be_kept_is_named_with_its_path():
    with pytest.raises(NotStorable) as refused:
        context(params={"rows": [{"price": 1j}]})
    assert refused.value.path == "params.rows[0].price"

    with pytest.raises(NotStorable) as refused:
        context().with_output("load", {"rows": [1j]}, limits=DEFAULT_LIMITS)
    assert refused.value.path == "outputs.load.rows[0]"

    with pytest.raises(NotStorable) as refused:
        context().with_output("load", {}, QualityMetrics(worst=1j), limits=DEFAULT_LIMITS)
    assert refused.value.path == "quality_metrics.load.worst"

    with pytest.raises(NotStorable, match="more than 50 bytes"):
        context().with_output("load", {"text": "x" * 60}, limits=Limits(max_bytes=50))


def test_a_context_is_frozen_and_changing_it_makes_another():
    first = context(params={"x": 1}, defaulted=frozenset({"x", "y"}))

    second = first.with_params({"x": 2, "z": 3})

    assert (dict(first.params), dict(second.params)) == ({"x": 1}, {"x": 2, "z": 3})
    assert second.defaulted == {"y"}
    assert (second.run_id, second.workflow_name) == ("1", "w")
    with pytest.raises(FrozenInstanceError):
        first.params = {}


def test_an_output_replaces_that_of_the_same_step_alone():
    known = context(outputs={"a": {"n": 1}, "b": {"n": 1}}, quality_metrics={"a": QualityMetrics(record_count=1)})

    after = known.with_output("a", {"n": 2}, limits=DEFAULT_LIMITS)

    assert dict(after.outputs) == {"a": {"n": 2}, "b": {"n": 1}}
    assert dict(known.outputs) == {"a": {"n": 1}, "b": {"n": 1}}
    assert after.quality_metrics["a"].record_count == 1


def test_contexts_are_equal_by_what_they_know():
    assert context(params={"x": [1]}) == context(params={"x": [1]})
    assert context(params={"x": [1]}) != context(params={"x": [2]})


def test_quality_is_a_mapping_with_two_names_of_its_own():
    metrics = QualityMetrics(passed=False, record_count=3, null_rate=0.5)

    assert dict(metrics) == {"passed": False, "record_count": 3, "null_rate": 0.5}
    assert (metrics.passed, metrics.record_count, metrics["null_rate"], len(metrics)) == (False, 3, 0.5, 3)
    assert repr(metrics) == "QualityMetrics(passed=False, record_count=3, null_rate=0.5)"
    assert dict(QualityMetrics()) == {"passed": True}
    assert metrics == QualityMetrics(null_rate=0.5, record_count=3, passed=False)
    with pytest.raises(TypeError, match="positional"):
        QualityMetrics(120)  # is no `passed`
    with pytest.raises(KeyError):
        metrics["other"]


def test_quality_metrics_come_back_as_such():
    known = context(quality_metrics={"a": QualityMetrics(record_count=2, worst={"day": [1]})})

    again = known.fresh().quality_metrics["a"]

    assert isinstance(again, QualityMetrics)
    assert (again.passed, again.record_count, again["worst"]) == (True, 2, {"day": [1]})


@pytest.mark.parametrize(
    ("known", "said"),
    [
        ({}, "no value 'price'; there are: none"),
        ({"a": 1, "b": 2}, "no value 'price'; there are: a, b"),
        (dict.fromkeys(map(str, range(21))), f"no value 'price'; there are: {', '.join(map(str, range(20)))}, ..."),
    ],
    ids=["nothing", "others", "many"],
)
def test_what_is_not_there_is_said_with_what_is(known, said):
    with pytest.raises(KeyError) as missing:
        context(params=known).params["price"]

    assert missing.value.args == (said,)
    assert context(params=known).params.get("price", 5) == 5
