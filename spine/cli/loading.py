"""Finds the workflows that the operator names, by importing the files and modules named; opens the runner."""

import importlib
import importlib.util
import os
import re
import sys
import sysconfig
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

import spine
from spine.cli.conflicts import refuse_conflicts
from spine.cli.options import Options
from spine.cli.source import REGISTERED, Source
from spine.config.settings import load_settings
from spine.errors import InvalidSetting, alike, class_name
from spine.hooks.hook import Hook
from spine.orchestration.registry import DEFAULT_REGISTRY
from spine.orchestration.runner import WorkflowRunner
from spine.orchestration.workflow import Workflow
from spine.steps.result import error_text

_MODULE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")
_PATHS = sysconfig.get_paths()
_SPINE = f"{Path(spine.__file__).parent}{os.sep}"
_NOT_OF_THE_USER = (_SPINE, *(f"{_PATHS[name]}{os.sep}" for name in ("stdlib", "platstdlib", "purelib", "platlib")))


def open_runner(options: Options, hooks: Iterable[Hook] = (), *, make_tables: bool = False) -> WorkflowRunner:
    """Open a runner over the database that the operator named, else the one of the settings.

    Most commands need tables that are there: a name with a slip in it would look like a database without runs.
    """
    return WorkflowRunner(options.database_url, hooks=hooks, make_tables=make_tables)


def app_of(options: Options) -> str | None:
    """Give what the operator or else the settings name as app."""
    if options.app is not None:
        return options.app
    return load_settings().app


def load_app_of(options: Options) -> list[Workflow]:
    """Import what the operator or else the settings name, as `load_app` does; an error tells who named it."""
    try:
        return load_app(app_of(options))
    except InvalidSetting as error:
        if options.app is not None:
            raise
        raise InvalidSetting(f"{error} (SPINE_APP, or [tool.spine] in pyproject.toml, names this app)") from error


def load_app(app: str | None) -> list[Workflow]:
    """Import what an app names, separated by commas, and give its workflows by name, each once.

    Raise `InvalidSetting` for what cannot be imported, for two different workflows or pipelines of one name, and for
    modules that take each other's place.
    """
    found: dict[str, tuple[Workflow, str]] = {}
    sources = []
    for reference in references(app):
        source, attribute = load(reference)
        sources.append(source)
        chosen = source.workflows.values() if attribute is None else [source.choose(attribute)]
        for workflow in chosen:
            known, place = found.setdefault(workflow.name, (workflow, reference))
            if known is not workflow:
                raise InvalidSetting(
                    f"two different workflows are named {workflow.name!r}: one in {place} ({known.source}) and "
                    f"one in {reference} ({workflow.source}); rename one, or name only one of them with --app FILE:ATTR"
                )
    refuse_conflicts(sources)
    return [found[name][0] for name in sorted(found)]


def choose(target: str, app: str | None, known: Iterable[Workflow]) -> tuple[Workflow, str | None]:
    """Give the workflow that `spine run` was given, and the app that leads to it: one of the app by name, else a place.

    Raise `InvalidSetting` for what is neither.
    """
    by_name = {workflow.name: workflow for workflow in known}
    if target in by_name and not Path(target).is_file():
        return by_name[target], app
    try:
        source, name = load(target)
    except InvalidSetting as error:
        if error.__cause__ is not None and not _is_missing(target, error):
            raise
        if by_name:
            raise InvalidSetting(f"{error}; the app {app} has: {', '.join(by_name)}") from error
        if _is_file_like(target):
            raise
        raise InvalidSetting(f"{error}; to run a workflow by its name, say --app, or set SPINE_APP") from error
    workflow = source.only() if name is None else source.choose(name)
    if by_name.get(workflow.name) is workflow:
        refuse_conflicts([*(load(reference)[0] for reference in references(app)), source])
        return workflow, app
    named = f"{source.reference}:{name}" if app and name else source.reference_of(workflow)
    return workflow, ",".join([*references(app), named])


def references(app: str | None) -> list[str]:
    """Split an app into the references it holds."""
    return [part.strip() for part in (app or "").split(",") if part.strip()]


def load(reference: str) -> tuple[Source, str | None]:
    """Import the file or module of `PLACE[:NAME]`, and give it with the name; raise `InvalidSetting`."""
    if not reference.isprintable():
        raise InvalidSetting(f"{reference!r} names no file and no module: it holds characters that cannot be printed")
    try:
        place, name = split(reference)
    except OSError as error:
        raise InvalidSetting(f"{reference[:100]!r} names no file and no module: {error.strerror}") from error
    module = _import_file(Path(place)) if _is_file_like(place) else _import_module(place)
    return Source.of(place, module), name


def split(reference: str) -> tuple[str, str | None]:
    """Take `PLACE[:NAME]` apart; a colon may be part of a file's name."""
    if Path(reference).is_file():
        return reference, None
    cuts = [index for index, char in enumerate(reference) if char == ":"]
    cut = next((index for index in cuts if Path(reference[:index]).is_file()), cuts[0] if cuts else len(reference))
    return reference[:cut], reference[cut + 1 :] or None


def _is_file_like(place: str) -> bool:
    if _MODULE.fullmatch(place) and Path(place, "__init__.py").is_file():
        return False
    return place.endswith(".py") or "/" in place or "\\" in place or Path(place).exists()


def _import_file(path: Path) -> ModuleType:
    if not path.is_file():
        there = "is no file that can be imported" if path.exists() else f"does not exist{_near(path)}"
        what = "is a folder; name a file in it" if path.is_dir() else there
        raise InvalidSetting(f"{path} {what}")
    if path.suffix not in ("", ".py"):
        raise InvalidSetting(f"{path} is not a Python file: the name of one ends in .py")
    resolved = path.resolve()
    known = _known_module(resolved)
    if known is not None:
        return known
    name = _free_name(resolved)
    loader = SourceFileLoader(name, str(resolved))
    spec = importlib.util.spec_from_file_location(name, resolved, loader=loader)
    assert spec is not None  # noqa: S101  # the loader was given
    module = importlib.util.module_from_spec(spec)
    _make_importable(resolved.parent)
    sys.modules[name] = module
    try:
        with _told_as(str(path)) as registered:
            loader.exec_module(module)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    vars(module)[REGISTERED] = registered
    return module


def _near(path: Path) -> str:
    """Ask whether a file beside one that is not there was meant."""
    there = {file.name: file for file in path.parent.glob("*.py")}
    near = [f"{path.name}.py"] if f"{path.name}.py" in there else alike(path.name, there, most=1)
    return "".join(f"; did you mean {there[name]}?" for name in near)


def _import_module(name: str) -> ModuleType:
    if not _MODULE.fullmatch(name):
        raise InvalidSetting(f"{name!r} is neither a file that exists nor the name of a module")
    _make_importable(Path.cwd())
    try:
        with _told_as(name) as registered:
            module = importlib.import_module(name)
    except InvalidSetting as error:
        if not _is_missing(name, error):
            raise
        raise InvalidSetting(_not_there(name, str(getattr(error.__cause__, "name", name)))) from error.__cause__
    if not hasattr(module, REGISTERED):  # else it was imported before
        setattr(module, REGISTERED, registered)
    return module


def _is_missing(name: str, error: InvalidSetting) -> bool:
    """Tell whether it is this module itself that is not there, and not one that it imports."""
    cause = error.__cause__
    return isinstance(cause, ModuleNotFoundError) and bool(cause.name) and f"{name}.".startswith(f"{cause.name}.")


def _not_there(name: str, missing: str) -> str:
    """Say where a module was looked for that is not there; up to `missing`, which is not, its name led somewhere."""
    package, _, rest = missing.rpartition(".")
    above = sys.modules.get(package)
    if above is None:
        return (
            f"no module {name!r} can be imported from {Path.cwd()}, and there is no such file; go to the folder that "
            f"has {missing!r} in it, put that folder into PYTHONPATH, or install the package"
        )
    file = getattr(above, "__file__", None) or ", ".join(map(str, getattr(above, "__path__", ())))
    return f"no module {name!r} can be imported: {package!r}, which is {file}, has no {rest!r} in it"


def _known_module(path: Path) -> ModuleType | None:
    """Find a module that was imported from this file already, so that no workflow exists twice."""
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if (
            isinstance(file, str)
            and module.__name__ != "__main__"
            and file.endswith(path.name)
            and Path(file).resolve() == path
        ):
            return module
    return None


def _free_name(path: Path) -> str:
    """Name a file's module as an import from beside it would, unless that name is taken."""
    name = path.stem
    taken = name in sys.modules or name in sys.stdlib_module_names or not name.isidentifier()
    return f"spine_app_{abs(hash(str(path)))}" if taken else name


def _make_importable(folder: Path) -> None:
    """Let modules in this folder be imported, also later by a step that runs."""
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))


@contextmanager
def _told_as(place: str) -> Iterator[dict[str, Callable[..., Any]]]:
    """Give the pipelines that user code registers; turn what it raises into `InvalidSetting`, but for Ctrl-C."""
    try:
        with DEFAULT_REGISTRY.being_filled() as registered:
            yield registered
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise _not_imported(place, error) from error


def _not_imported(place: str, error: BaseException) -> InvalidSetting:
    kind, text = class_name(type(error)), error_text(error)
    what = kind if text == kind else f"{kind}: {text}"
    if isinstance(error, SyntaxError):
        what = f"{kind}: {error.msg}"
        return InvalidSetting(f"cannot import {place}: {what} ({error.filename}, line {error.lineno})")
    if isinstance(error, SystemExit):
        what = f"it exits ({error.code}); guard what it runs with: if __name__ == '__main__'"
    where = _place_of(error)
    return InvalidSetting(f"cannot import {place}: {what}{where}{_package_of(place, error)}")


def _package_of(place: str, error: BaseException) -> str:
    """Say of a file that imports from beside it as a module of a package does how to name it as one."""
    file = Path(place).resolve()
    if not (isinstance(error, ImportError) and "no known parent package" in str(error) and _place_of(error, file)):
        return ""
    name, folder = file.stem, file.parent
    while (folder / "__init__.py").is_file():
        name, folder = f"{folder.name}.{name}", folder.parent
    if folder == file.parent or not _MODULE.fullmatch(name):
        return (
            "; it imports as a module of a package does, so name it as one: "
            f"PACKAGE.{file.stem} in place of the file, from the folder that PACKAGE is in, or with that in PYTHONPATH"
        )
    there = "" if folder == Path.cwd() else f", from the folder {folder}, or with PYTHONPATH={folder}"
    return f"; it is a module of a package, so name it as one: {name.removesuffix('.__init__')}{there}"


def _place_of(error: BaseException, only: Path | None = None) -> str:
    """Name the last line of the user's own code that an exception came through; nothing if not of the `only` file."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith("<")]
    own = [frame for frame in frames if not frame.filename.startswith(_NOT_OF_THE_USER)]
    place = (own or [frame for frame in frames if not frame.filename.startswith(_SPINE)])[-1:]
    return "".join(
        f" ({frame.filename}, line {frame.lineno})" for frame in place if only is None or Path(frame.filename) == only
    )
