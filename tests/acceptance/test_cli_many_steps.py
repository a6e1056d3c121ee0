"""What the command line shows of runs of many steps costs in proportion to them."""

import sys
from pathlib import Path

import pytest

from spine import __file__ as spine_file

PACKAGE = str(Path(spine_file).parent)  # and not any folder of its name: the clone may be called so too
FLOW = """
from spine.orchestration import Step, Workflow

def fail(ctx, config):
    raise OSError("disk full")

steps = [Step.lambda_(f"step{n}", lambda ctx, config: {}, checkpoint=n % 2 == 0) for n in range(NUMBER)]
flow = Workflow("flowNUMBER", [*steps, Step.lambda_("last", fail)])
"""


@pytest.fixture
def calls(spine, place):
    """Run so many steps, type the command, and count the calls inside Spine: each turn of a generator is one."""

    def counted(number, *command):
        (place / f"flow{number}.py").write_text(FLOW.replace("NUMBER", str(number)))
        spine("run", f"flow{number}.py", "--run-id", f"run{number}")
        count = 0

        def count_calls(frame, event, argument):
            nonlocal count
            count += event == "call" and frame.f_code.co_filename.startswith(PACKAGE)

        sys.setprofile(count_calls)
        try:
            assert spine(*command, f"run{number}").code == 0
        finally:
            sys.setprofile(None)
        return count

    return counted


@pytest.mark.parametrize(
    "command",
    [
        ("checkpoints", "list"),
        ("checkpoints", "list", "--json"),
        ("runs", "show"),
        ("runs", "show", "--json"),
    ],
    ids=" ".join,
)
def test_a_run_of_twice_as_many_steps_is_shown_with_twice_as_many_calls(calls, command):
    few, more, most = (calls(number, *command) for number in (20, 40, 80))

    assert most - more < 2.5 * (more - few)
