"""Refuses apps that would take something from each other unseen: a pipeline, or a module beside them."""

import ast
import inspect
import os
import sys
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from functools import partial
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any
from warnings import catch_warnings

from spine.cli.source import Source, root_of
from spine.errors import InvalidSetting

_WITHOUT = "--app names all apps, in place of SPINE_APP and [tool.spine]"


def refuse_conflicts(sources: Iterable[Source]) -> None:
    """Raise `InvalidSetting` where one of these has another's pipeline, or another's module, in place of its own."""
    sources = list(sources)
    _refuse_pipelines(sources)
    _refuse_modules(sources)


def _refuse_pipelines(sources: Iterable[Source]) -> None:
    found: dict[str, tuple[Callable[..., Any], str]] = {}
    for source in sources:
        for name, function in source.pipelines.items():
            known, place = found.setdefault(name, (function, source.reference))
            if not _is_same(known, function):
                raise InvalidSetting(
                    f"two different functions are registered as pipeline {name!r}: one by {place}{_line_of(known)} and "
                    f"one by {source.reference}{_line_of(function)}; rename one, or leave one out: {_WITHOUT}"
                )


def _is_same(one: Callable[..., Any], other: Callable[..., Any]) -> bool:
    """Tell whether two are one function, also where each app has it made anew, or its file has two module names."""
    with suppress(Exception):  # whatever a user's value does when it is compared
        return one == other or bool(_made_of(one) == _made_of(other))
    return False


def _made_of(function: Any) -> tuple[Any, ...]:
    """Give where a function is defined and what it holds; an object that is called, its class and what that holds."""
    if isinstance(function, partial):
        return _made_of(function.func), function.args, function.keywords
    plain = inspect.unwrap(function)
    if not hasattr(plain, "__code__"):
        return _place_of(plain), vars(plain)
    held = [cell.cell_contents for cell in plain.__closure__ or ()]
    return _place_of(plain), plain.__defaults__, plain.__kwdefaults__, getattr(plain, "__self__", None), held


def _line_of(function: Callable[..., Any]) -> str:
    with suppress(AttributeError):  # as of what is written in C
        return " ({}:{})".format(*_place_of(function))
    return ""


def _place_of(function: Any) -> tuple[str, int]:
    while isinstance(function, partial):
        function = function.func
    plain = inspect.unwrap(function)
    code = (plain if hasattr(plain, "__code__") else type(plain).__call__).__code__
    return os.path.realpath(code.co_filename), code.co_firstlineno


def _refuse_modules(sources: Iterable[Source]) -> None:
    """Refuse apps of several folders where an import in one leads to another: Python keeps one module of a name."""
    apps: dict[Path, str] = {}
    for source in sources:
        if source.root is not None:
            apps.setdefault(source.root, source.reference)
    if len(apps) == 1:
        return
    beside = {root: _modules_in(root) for root in apps}
    counts = Counter(name for names in beside.values() for name in names)
    shared = {name for name, count in counts.items() if count > 1}
    for root, reference in apps.items():
        for name in sorted(_imported_from(root, shared & beside[root].keys())):
            own, got = beside[root][name], _found(name)
            others = [apps[other] for other in apps if got is not None and beside[other].get(name) == got]
            if others and got != own:
                raise InvalidSetting(
                    f"{reference} imports {name!r} and would get that of {others[0]}, {got}, and not its own, {own}; "
                    f"rename one of these modules, or leave one app out: {_WITHOUT}"
                )


def _modules_in(folder: Path) -> dict[str, Path]:
    """Map the names of the modules and packages in a folder to their files, as Python would find them there."""
    modules = {file.stem: _real(file) for file in folder.glob("*.py")}
    return modules | {file.parent.name: _real(file) for file in folder.glob("*/__init__.py")}


def _imported_from(root: Path, names: Collection[str]) -> set[str]:
    """Tell which of these names the loaded modules of a root import, also those that a step imports when it runs."""
    found: set[str] = set()
    for module in list(sys.modules.values()) if names else ():
        if isinstance(module, type(sys)) and root_of(module) == root:
            found |= {name for name in _imports(Path(str(module.__file__)), names) if name in names}
    return found


def _imports(file: Path, names: Collection[str]) -> Iterator[str]:
    """Give the top-level names that a file imports, if one of these can be among them."""
    changed_since_or_no_python = OSError, SyntaxError, ValueError, RecursionError
    with suppress(*changed_since_or_no_python), catch_warnings(action="ignore"):
        text = file.read_bytes()
        for part in _reached(ast.parse(text)) if any(name.encode() in text for name in names) else ():
            if isinstance(part, ast.Import):
                yield from (alias.name.partition(".")[0] for alias in part.names)
            elif isinstance(part, ast.ImportFrom) and part.module and not part.level:
                yield part.module.partition(".")[0]


def _reached(tree: ast.AST) -> Iterator[ast.AST]:
    """Give all parts but those that only a type checker sees, or a script of its own."""
    guarded = [part.body for part in ast.walk(tree) if isinstance(part, ast.If) and _never_holds(part.test)]
    hidden = {id(part) for body in guarded for statement in body for part in ast.walk(statement)}
    return (part for part in ast.walk(tree) if id(part) not in hidden)


def _never_holds(test: ast.expr) -> bool:
    return ast.unparse(test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING", "__name__ == '__main__'")


def _found(name: str) -> Path | None:
    """Give the file that an import of this name leads to, now or when a step runs."""
    module = sys.modules.get(name)
    spec = PathFinder.find_spec(name) if module is None else None
    file = spec.origin if spec is not None else getattr(module, "__file__", None)
    return _real(file) if isinstance(file, str) else None


def _real(file: Path | str) -> Path:
    return Path(os.path.realpath(file))  # `resolve` raises at a link that leads to itself
