"""Params from the command line: `--param k=v`, and an object of JSON from a file or from stdin."""

import json
import math
import sys
from collections import Counter
from collections.abc import Container, Iterator, Sequence
from pathlib import Path
from typing import Any

from spine.codec.given import read_object
from spine.codec.secret import Secret
from spine.errors import InvalidParams

LONGEST_NUMBER = 4300  # digits; Python reads no more in decimal


class _NotJson(ValueError):
    pass


def read_params(pairs: Sequence[str] | None, file: str | None, secrets: Sequence[str] | None) -> dict[str, Any]:
    """Read the file, then the pairs and the secrets, which win over it; raise `InvalidParams`."""
    said, kept_secret = read_pairs(pairs, "--param"), read_secrets(secrets)
    for name in said:
        if name in kept_secret:
            raise InvalidParams(f"param {name[:100]!r} is given by --param and by --secret; leave one of them out")
    won = {**said, **kept_secret}
    return won if file is None else {**read_file(file, won), **won}


def read_secrets(pairs: Sequence[str] | None) -> dict[str, Secret]:
    """Read `k=VARIABLE` texts: only the variable's name is kept."""
    return {name: Secret(variable) for name, variable in _split(pairs, "--secret", "NAME=VARIABLE")}


def read_renamed(pairs: Sequence[str] | None) -> dict[str, str]:
    """Read `old=new` texts: names of steps."""
    return dict(_split(pairs, "--renamed", "OLD=NEW"))


def read_pairs(pairs: Sequence[str] | None, option: str) -> dict[str, Any]:
    """Read `k=v` texts; a value is JSON, with the codec's tags, if it parses as JSON, else a string."""
    read = {name: _value(value, f"{option} {name[:100]}") for name, value in _split(pairs, option, "NAME=VALUE")}
    _refuse_secrets(read, option)
    return read


def read_file(file: str, won: Container[str]) -> dict[str, Any]:
    """Read an object of JSON, with the codec's tags, from a file, or from stdin for `-`, but for what others `won`."""
    where = "stdin" if file == "-" else file
    if file == "-" and sys.stdin is None:
        raise InvalidParams("--params-file stdin cannot be read: it is closed")
    try:
        text = (sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()).decode("utf-8-sig")
        params = _parsed(text, f"--params-file {where}")
    except OSError as error:
        raise InvalidParams(f"--params-file {where} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InvalidParams(f"--params-file {where} is not UTF-8") from error
    except _NotJson as error:
        raise InvalidParams(f"--params-file {where} is not JSON: {error}") from error
    if type(params) is not dict:
        raise InvalidParams(f"--params-file {where} must hold a JSON object of names and values")
    left = {name: value for name, value in params.items() if name not in won}
    _refuse_secrets(left, f"--params-file {where}")
    return left


def _refuse_secrets(params: dict[str, Any], where: str) -> None:
    """Refuse secrets: who writes a value, which may come from elsewhere, shall not choose a variable that is read."""
    for name, value in params.items():
        unvisited = [value]
        while unvisited:
            part = unvisited.pop()
            if isinstance(part, Secret):
                raise InvalidParams(
                    f"{where}: {str(name)[:100]!r} holds the secret {part.name!r}, which only --secret may name; "
                    f"give it with --secret {str(name)[:100]}=VARIABLE"
                )
            if isinstance(part, dict):
                unvisited += [*part, *part.values()]
            elif isinstance(part, (list, tuple, set, frozenset)):
                unvisited += part


def _split(pairs: Sequence[str] | None, option: str, shape: str) -> Iterator[tuple[str, str]]:
    seen = set[str]()
    for pair in pairs or ():
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise InvalidParams(f"{option} takes {shape}, not {pair[:100]!r}")
        if name in seen:
            raise InvalidParams(f"{option} {name[:100]} is given twice; leave one of them out")
        seen.add(name)
        yield name, value


def _value(text: str, where: str) -> Any:
    try:
        return _parsed(text, where)
    except _NotJson:
        return text


def _parsed(text: str, where: str) -> Any:
    """Parse strict JSON; raise `InvalidParams` for JSON that Python could not keep as it is."""

    def integer(digits: str) -> int:
        if len(digits.removeprefix("-")) > LONGEST_NUMBER:
            raise InvalidParams(f"{where} has a number of {len(digits):,} digits; the longest has {LONGEST_NUMBER:,}")
        return int(digits)

    def decimal(digits: str) -> float:
        number = float(digits)
        if math.isinf(number):
            raise InvalidParams(f"{where} has a number that is too large: {digits[:50]}")
        return number

    def members(pairs: list[tuple[str, Any]]) -> Any:
        known = dict(pairs)
        if len(known) < len(pairs):
            twice = next(name for name, times in Counter(name for name, _ in pairs).items() if times > 1)
            raise InvalidParams(f"{where} has {twice[:100]!r} more than once in an object")
        try:
            return read_object(known)
        except ValueError as error:
            raise InvalidParams(f"{where} has {error}") from None

    try:
        return json.loads(
            text, parse_int=integer, parse_float=decimal, parse_constant=_refuse_constant, object_pairs_hook=members
        )
    except json.JSONDecodeError as error:
        raise _NotJson(f"{error.msg} (line {error.lineno}, column {error.colno})") from None
    except RecursionError:
        raise InvalidParams(f"{where} is nested too deeply") from None


def _refuse_constant(name: str) -> Any:
    raise _NotJson(f"{name} is not JSON")
