"""Logins of PostgreSQL that a test makes for itself."""

from contextlib import contextmanager

import psycopg
import sqlalchemy
from psycopg import sql

from tests.servers.clusters import free_port

SECRET = "hunter2"


@contextmanager
def role(postgres, options="", *, granted_in=None):
    """A login that may do nothing yet; `granted_in` is the URL of the database where the test grants it something."""
    name = sql.Identifier(f"role_{free_port()}")
    with postgres.connect() as connection:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {} " + options).format(name, SECRET))
        try:
            yield name.as_string().strip('"')
        finally:
            if granted_in is not None:
                with psycopg.connect(granted_in, autocommit=True) as there:
                    there.execute(sql.SQL("DROP OWNED BY {}").format(name))
            connection.execute(sql.SQL("DROP ROLE {}").format(name))


def as_role(url, name):
    return sqlalchemy.make_url(url).set(username=name, password=SECRET).render_as_string(hide_password=False)
