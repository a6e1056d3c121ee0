"""Memory for large values: a process that wrote one has it for the next."""

import platform
import subprocess
import sys

import pytest

SIZE = 8_000_000
ONE_LARGE_STEP = """
import resource, sys
from spine.orchestration import Registry, Step, Workflow, WorkflowRunner

marks = []

def fetched():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt * resource.getpagesize()

def large(_ctx, _config):
    output = {"text": "x" * size}
    marks.append(fetched())
    return output

def small(_ctx, _config):
    marks.append(fetched())
    return {}

def run(runner):
    workflow = Workflow("large", [Step.lambda_("large", large), Step.lambda_("small", small)])
    runner.execute(workflow).raise_for_status()

runner = WorkflowRunner(sys.argv[1], registry=Registry())
"""
FOUR_RUNS = f"""
size = {SIZE}
for _ in range(4):
    run(runner)
print(marks[-1] - marks[-2])
"""
LITTLE_MEMORY = """
size = 1
run(runner)
size = 1_000_000
pages = int(open("/proc/self/statm").read().split()[0])
limit = pages * resource.getpagesize() + 24_000_000
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
run(runner)
"""

pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="what is kept is decided by the C library")


def told_by(program: str, url: str) -> str:
    arguments = [sys.executable, "-c", ONE_LARGE_STEP + program, url]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_large_value_takes_its_own_memory_from_the_system_and_none_for_the_copies_on_its_way(sqlite_url):
    assert int(told_by(FOUR_RUNS, sqlite_url)) < 2 * SIZE


def test_where_little_memory_is_left_a_large_value_is_written_all_the_same(sqlite_url):
    assert told_by(LITTLE_MEMORY, sqlite_url) == ""
