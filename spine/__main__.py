"""The command `spine`, also as `python -m spine`."""

import sys

INTERRUPTED = 130  # as a shell has it; `ExitCode` is not imported yet


def main() -> int:
    """Do what the command line says; Ctrl-C while all that is imported is told as it is later."""
    try:
        from spine.cli.main import main as perform  # noqa: PLC0415  # half a second on a slow disk

        return perform()
    except KeyboardInterrupt:
        sys.stderr.write("spine: interrupted\n")
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
