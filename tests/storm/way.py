"""The way to a database, led through another port, or with another option."""

from urllib.parse import urlsplit, urlunsplit

from tests.servers.postgres import HOST


def port_of(url: str) -> int:
    port = urlsplit(url).port
    assert port is not None
    return port


def through(url: str, port: int) -> str:
    """Give the URL of the same database behind something that listens on this port."""
    parts = urlsplit(url)
    userinfo = parts.netloc.rpartition("@")[0]
    return urlunsplit(parts._replace(netloc=f"{userinfo}@{HOST}:{port}"))


def told(url: str, option: str) -> str:
    """Give the URL with one more option, such as `pooler=transaction`."""
    return f"{url}{'&' if urlsplit(url).query else '?'}{option}"
