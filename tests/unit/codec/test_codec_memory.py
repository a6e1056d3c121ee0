"""Reading a large value where little memory is left."""

import subprocess
import sys

READ_WITH_LITTLE_MEMORY = """
import resource, sys
from spine.codec import json as codec

text = b'["' + b"x" * 5_000_000 + b'"]'
pages = int(open("/proc/self/statm").read().split()[0])
limit = pages * resource.getpagesize() + int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
try:
    codec.decode(text)
except Exception as error:
    print(type(error).__name__)
"""


def told_with(room: int) -> str:
    done = subprocess.run(
        [sys.executable, "-c", READ_WITH_LITTLE_MEMORY, str(room)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.stdout.strip()


def test_what_there_is_no_room_for_is_not_called_damaged():
    told = {told_with(megabytes * 1_000_000) for megabytes in (8, 16, 24, 30)}

    assert told - {""} == {"MemoryError"}  # nothing is told where orjson itself ends the process
