"""What users import is documented, in the code and in the pages; the tree of errors is the one that is drawn."""

import importlib
import inspect
import pkgutil
import re

import pytest

import spine
from spine import errors, orchestration
from tests.house.tree import ROOT

PAGES = [*(ROOT / "docs").rglob("*.md"), ROOT / "README.md"]
SHORTEST_SENTENCE = 12
CLASSES = [name for name in orchestration.__all__ if inspect.isclass(getattr(orchestration, name))]
FACES = ("spine.orchestration", "spine.testing.contract")


def exceptions():
    return [
        value
        for value in vars(errors).values()
        if inspect.isclass(value) and issubclass(value, Exception) and value.__module__ == errors.__name__
    ]


@pytest.mark.parametrize("face", FACES)
def test_a_face_lists_its_names_in_order_and_each_once(face):
    module = importlib.import_module(face)

    assert module.__all__ == sorted(set(module.__all__))
    imported = {
        name for name, value in vars(module).items() if not name.startswith("_") and not inspect.ismodule(value)
    }
    assert imported == set(module.__all__)


@pytest.mark.parametrize("name", orchestration.__all__)
def test_a_public_name_says_what_it_is(name):
    value = getattr(orchestration, name)

    assert "__doc__" in vars(value) or not inspect.isclass(value)
    assert len(inspect.getdoc(value) or "") >= SHORTEST_SENTENCE


@pytest.mark.parametrize(
    "name", [name for name in orchestration.__all__ if inspect.isclass(getattr(orchestration, name))]
)
def test_the_public_methods_of_a_class_say_what_they_do(name):
    silent = [
        member
        for kind in getattr(orchestration, name).__mro__
        if kind.__module__.startswith("spine.")
        for member, value in vars(kind).items()
        if not member.startswith("_") and (inspect.isroutine(value) or isinstance(value, property))
        if len(inspect.getdoc(value) or "") < SHORTEST_SENTENCE
    ]

    assert silent == []


def test_the_pages_mention_every_public_name():
    written = "\n".join(page.read_text() for page in PAGES)

    missing = [name for name in orchestration.__all__ if not re.search(rf"\b{name}\b", written)]

    assert missing == []


def test_every_exception_is_exported():
    assert [kind.__name__ for kind in exceptions() if kind.__name__ not in orchestration.__all__] == []


def test_no_exception_hides_elsewhere():
    """What a user may have to catch is in the tree; an interrupt is no exception to catch."""
    hidden = []
    for module in pkgutil.walk_packages(spine.__path__, "spine."):
        if module.name.startswith(("spine.testing", "spine.migrations", "spine.__main__")):
            continue
        found = vars(importlib.import_module(module.name)).values()
        hidden += [kind for kind in found if inspect.isclass(kind) and issubclass(kind, Exception)]
    ours = {kind for kind in hidden if kind.__module__.startswith("spine.") and not kind.__name__.startswith("_")}

    assert {kind.__name__ for kind in ours if not issubclass(kind, errors.SpineError)} == set()


def test_the_tree_of_errors_is_the_one_that_is_drawn():
    drawn, above = {}, ["SpineError"]
    for line in errors.__doc__.splitlines():
        if match := re.match(r"([│ ]*)[├└]── (\w+)", line):
            depth = len(match[1]) // 4 + 1
            above[depth:] = [match[2]]
            drawn[match[2]] = above[depth - 1]

    real = {kind.__name__: kind.__bases__[0].__name__ for kind in exceptions() if kind is not errors.SpineError}

    assert drawn == real


def test_the_version_is_said_once():
    project = (ROOT / "pyproject.toml").read_text()

    assert re.search(r'^version = "(.+)"$', project, re.MULTILINE)[1] == spine.__version__
