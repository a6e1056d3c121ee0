"""Memory for large values: a process that wrote one has it for the next."""

import platform
import subprocess
import sys

import pytest

SIZE = 8_000_000
PROGRAM = f"""
import resource, sys
from spine.orchestration import Registry, Step, Workflow, WorkflowRunner

def fetched():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt * resource.getpagesize()

def large(_ctx, _config):
    output = {{"text": "x" * {SIZE}}}
    marks.append(fetched())
    return output

def small(_ctx, _config):
    marks.append(fetched())
    return {{}}

workflow = Workflow("large", [Step.lambda_("large", large), Step.lambda_("small", small)])
with WorkflowRunner(sys.argv[1], registry=Registry()) as runner:
    for _ in range(4):
        marks = []
        runner.execute(workflow).raise_for_status()
print(marks[1] - marks[0])
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries decide otherwise what they keep")
def test_a_large_value_takes_its_own_memory_from_the_system_and_none_for_the_copies_on_its_way(sqlite_url):
    told = subprocess.run(
        [sys.executable, "-c", PROGRAM, sqlite_url], capture_output=True, text=True, check=True, timeout=60
    )

    assert int(told.stdout) < 2 * SIZE
