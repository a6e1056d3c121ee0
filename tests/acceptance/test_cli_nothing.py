"""What the command line says where there is nothing to show, and what to do then."""

import pytest

from tests.acceptance.command import ORDERS, in_shell

COMPLETE = ("--param", "target=main")


@pytest.fixture
def orders(place):
    (place / "orders.py").write_text(ORDERS)
    return "orders.py"


@pytest.mark.parametrize(
    ("remove", "gone"),
    [(("checkpoints", "delete", "r1"), "were deleted"), (("retention", "run", "--days", "1e-9"), "expired")],
    ids=["deleted", "expired"],
)
@pytest.mark.parametrize("step", [(), ("load",)], ids=["latest", "of a step"])
def test_checkpoints_that_are_gone_are_not_said_to_be_listed(spine, orders, place, remove, gone, step):
    url = ("--database-url", "sqlite:///own.db")
    spine("run", orders, "--run-id", "r1", *COMPLETE, *url)
    spine(*remove, *url)

    said = spine("checkpoints", "show", "r1", *step, *url)

    assert said.code == 3
    assert f"no checkpoints any more: they {gone} on 20" in said.err
    assert "checkpoints list" not in said.err
    _, _, command = said.err.partition("start a new run with the same params, and see them with: ")
    assert 'target  "main"' in in_shell(command, place=place).out.replace("param ", "")


@pytest.mark.parametrize(
    ("filters", "meant"),
    [
        (("--workflow", "order"), "; did you mean --workflow orders?"),
        (("--workflow", "order", "--status", "failed"), "; did you mean --workflow orders?"),
        (("--workflow", "something else"), ""),
        (("--workflow", "orders", "--status", "failed"), ""),
        (("--since", "2999-01-01"), ""),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_filters_that_no_run_matches_are_said_to_and_a_slip_in_the_name_of_a_workflow_is_noticed(
    spine, orders, place, filters, meant
):
    spine("run", orders, "--run-id", "r1", *COMPLETE)

    said = spine("runs", "list", *filters)

    assert (said.code, said.out) == (0, "")
    assert said.err == f"spine: no run in sqlite:///{place / 'spine.db'} matches{meant}\n"
