"""`spine db`: upgrade, current, check."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from spine.cli import render
from spine.cli.options import Options, command, new_app
from spine.cli.output import out
from spine.config.settings import load_settings
from spine.errors import InvalidSetting

app = new_app("Make and check Spine's tables in a database.")


@app.command("upgrade")
@command
def upgrade(options: Options) -> None:
    """Make the tables, or bring them to this version; safe to repeat, and from several places at once.

    Example: spine db upgrade
    """
    with _Database.opened(options) as database:
        before = database.revision()
        database.upgrade()
        after = database.revision()
    if options.json:
        render.print_json({**database.document(after), "was": before})
    elif before == after:
        options.confirm(f"{database.place} is at revision {after} already")
    else:
        options.confirm(f"{database.place} is now at revision {after} (was: {before or 'no tables'})")


@app.command("current")
@command
def current(options: Options) -> None:
    """Show the revision of the tables, and the one that this version of Spine needs.

    Example: spine db current
    """
    with _Database.opened(options) as database:
        revision = database.revision()
    if options.json:
        render.print_json(database.document(revision))
    else:
        seen = "does not exist yet" if database.is_absent else revision or "no tables"
        out(f"{database.place}: {seen} (this version of Spine needs {database.head})")


@app.command("check")
@command
def check(options: Options) -> None:
    """Exit with 0 if the tables are those of this version; else say what to do and exit with 1.

    Example: spine db check && spine run flights.py
    """
    with _Database.opened(options) as database:
        database.check()
    if options.json:
        render.print_json(database.document(database.head))
    else:
        options.confirm(f"{database.place} is at revision {database.head}, as it should be")


class _Database:
    """A database as `spine db` sees it: its tables' revision, and none of its runs."""

    def __init__(self, url: str) -> None:
        from spine.stores.sql import engine as engines  # noqa: PLC0415  # SQLAlchemy is slow to import
        from spine.stores.sql import schema  # noqa: PLC0415
        from spine.stores.sql.url import describe, parse_url  # noqa: PLC0415

        if url.startswith("memory:"):
            raise InvalidSetting("memory:// has no tables; name a SQLite or PostgreSQL database with --database-url")
        self._engines, self._schema = engines, schema
        self._engine = engines.make_engine(parse_url(url))
        self.place = describe(self._engine.url)
        self.head = schema.HEAD

    @classmethod
    @contextmanager
    def opened(cls, options: Options) -> "Iterator[_Database]":
        """Open the database that the operator named, else the one of the settings."""
        database = cls(load_settings(database_url=options.database_url).database_url)
        try:
            yield database
        finally:
            database._engine.dispose()  # its own class

    @property
    def is_absent(self) -> bool:
        """Whether this is a SQLite file that the first use will make."""
        return self._engines.is_absent(self._engine)

    def revision(self) -> str | None:
        if self.is_absent:
            return None
        return self._schema.revision_of(self._engine)

    def upgrade(self) -> None:
        self._schema.upgrade(self._engine)

    def check(self) -> None:
        if self.is_absent:
            raise self._schema.absent(self._engine)
        with self._engines.reading(self._engine) as connection:
            self._schema.require_whole(connection)

    def document(self, revision: str | None) -> dict[str, Any]:
        return {"database": self.place, "revision": revision, "head": self.head, "is_current": revision == self.head}
