"""A command for a shell: it has a module run as a program that is forked from the nursery, and ends as that ends.

    python -IS shim.py DESCRIPTOR MODULE [arguments...]

The descriptor is that of the socket on which the nursery takes orders, inherited through the shell.
"""

import json
import os
import socket
import sys

KILLED = 128


def main(descriptor: int, module: str, arguments: list[str]) -> int:
    reads, writes = os.pipe()
    order = {"program": module, "arguments": arguments, "folder": os.getcwd(), "environment": dict(os.environ)}  # noqa: PTH109  # pathlib is slow to import
    with socket.socket(fileno=descriptor) as nursery:
        socket.send_fds(nursery, [json.dumps(order).encode() + b"\n"], [0, 1, 2, writes])
    os.close(writes)
    with os.fdopen(reads) as report:
        _, code = (int(line) for line in report)
    return code if code >= 0 else KILLED - code


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2], sys.argv[3:]))
