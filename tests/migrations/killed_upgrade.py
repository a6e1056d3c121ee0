"""A program that upgrades a database and stops for ever after the statement of this number.

    python -m tests.migrations.killed_upgrade URL NUMBER

It prints each statement that changes tables, and whoever started it kills it.
"""

import sys
from typing import Any

from sqlalchemy import event

from spine.stores.sql import engine as engines
from spine.stores.sql import schema
from spine.stores.sql.url import parse_url

WORDS = ("CREATE", "ALTER", "DROP", "INSERT", "UPDATE")


def main(url: str, number: str) -> None:
    engine = engines.make_engine(parse_url(url))
    seen = 0

    def stop(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        nonlocal seen
        if statement.split(maxsplit=1)[0] in WORDS:
            seen += 1
            _say(" ".join(statement.split())[:60])
        if seen == int(number):
            _say("stopped")
            sys.stdin.read()

    event.listen(engine, "after_cursor_execute", stop)
    schema.upgrade(engine)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
