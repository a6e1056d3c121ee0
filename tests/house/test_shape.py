"""How large things are, what they are called, and what is imported where."""

import ast

import pytest

from tests.house.tree import ROOT, functions, imported, modules, names, parsed, words

LONGEST_FILE, LONGEST_FUNCTION = 400, 50
NO_NOUNS = {"utils", "util", "common", "helpers", "helper", "types", "models", "manager", "base", "misc"}
NOT_OUR_WORDS = {"task", "tasks", "job", "jobs", "node", "nodes", "dag", "dags"}
# What costs most of the start-up time is imported where it is chosen, and nowhere else inside a function.
IMPORTED_LATE = {
    "spine/errors.py": {"difflib"},
    "spine/stores/open.py": {"spine.stores.memory", "spine.stores.sql"},
    "spine/stores/sql/schema.py": {"alembic"},
    "spine/stores/sql/engine.py": {"spine.stores.sql.connection"},  # psycopg
    "spine/stores/sql/store.py": {"spine.stores.sql.checkup"},
    "spine/stores/sql/url.py": {"psycopg"},
    "spine/stores/sql/dialect.py": {"sqlalchemy.dialects.postgresql"},
    "spine/config/settings.py": {"spine.config.sources"},
    "spine/orchestration/params.py": {"spine.orchestration.params_model"},  # pydantic
    "spine/orchestration/actor.py": {"getpass"},
    "spine/steps/context.py": {"hashlib"},
    "spine/stores/sql/own_connection.py": {"ctypes"},
    "spine/codec/secret.py": {"pydantic_core"},
    "spine/__main__.py": {"spine.cli.main"},
    "spine/cli": {"rich", "spine.cli.live", "spine.stores.sql"},  # live: rich
}
# A face has imports and `__all__` alone; these have one thing more.
NOT_ONLY_A_FACE = {"spine/__init__.py": "__version__", "spine/testing/__init__.py": "register_assert_rewrite"}


def test_no_file_has_more_lines_than_one_can_keep_in_mind():
    long = {
        str(path): count for path in modules() if (count := len((ROOT / path).read_text().splitlines())) > LONGEST_FILE
    }

    assert long == {}


def test_no_function_is_longer_than_a_page():
    long = {
        f"{path}:{function.name}": count
        for path in modules()
        for function in functions(path)
        if (count := function.end_lineno - function.lineno + 1) > LONGEST_FUNCTION
    }

    assert long == {}


def test_files_are_named_after_what_is_in_them():
    assert [str(path) for path in modules() if words(path.stem) & NO_NOUNS or set(path.parts[:-1]) & NO_NOUNS] == []


def test_nothing_is_called_by_a_word_that_is_not_ours():
    found = {f"{path}: {name}" for path in modules("spine") for name in names(path) if words(name) & NOT_OUR_WORDS}

    assert found == set()


def imported_late(path):
    return [name for function in functions(path) for node in ast.walk(function) for name in imported(node)]


def test_imports_stand_at_the_top_but_for_the_ones_that_cost_time():
    for path in modules("spine"):
        late = imported_late(path)
        allowed = IMPORTED_LATE.get(str(path)) or IMPORTED_LATE.get(str(path.parent)) or set()
        strange = [name for name in late if not any(f"{name}.".startswith(f"{module}.") for module in allowed)]
        assert strange == [], path


def test_each_place_with_late_imports_has_some():
    for place in IMPORTED_LATE:
        below = [path for path in modules("spine") if str(path) == place or str(path.parent) == place]
        assert any(map(imported_late, below)), place


def test_no_import_is_for_type_checkers_alone():
    assert [str(path) for path in modules("spine") if "TYPE_CHECKING" in set(names(path))] == []


def test_inside_spine_a_module_is_imported_and_never_a_face():
    packages = {".".join(path.parent.parts) for path in modules("spine") if path.name == "__init__.py"}
    for path in modules("spine"):
        if path.name == "__init__.py":
            continue
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.ImportFrom) and node.module in packages - {"spine"}:
                folder = ROOT.joinpath(*node.module.split("."))
                faces = [alias.name for alias in node.names if not _is_module(folder, alias.name)]
                assert faces == [], f"{path}: from {node.module} import {faces}"


def _is_module(folder, name):
    return (folder / f"{name}.py").is_file() or (folder / name).is_dir()


def test_an_init_file_is_empty_or_a_face():
    for path in modules("spine"):
        if path.name != "__init__.py":
            continue
        more = [node for node in parsed(path).body[1:] if not isinstance(node, ast.ImportFrom | ast.Import)]
        more = [ast.unparse(node) for node in more if not ast.unparse(node).startswith("__all__ = ")]
        assert len(more) <= (str(path) in NOT_ONLY_A_FACE), path
        assert all(NOT_ONLY_A_FACE[str(path)] in line for line in more)


@pytest.mark.parametrize(
    "what",
    ["datetime.now", "datetime.utcnow", "time.time", "time.monotonic", "time.sleep", "uuid.uuid4", "random.random"],
)
def test_time_and_chance_come_from_the_clock_alone(what):
    owner, _, verb = what.partition(".")
    for path in modules("spine"):
        calls = [
            node
            for node in ast.walk(parsed(path))
            if isinstance(node, ast.Attribute)
            and node.attr == verb
            and isinstance(node.value, ast.Name)
            and node.value.id == owner
        ]
        assert str(path) == "spine/clock.py" or calls == [], path


def test_no_test_sleeps_and_none_mocks():
    for path in modules("tests"):
        late = [name for node in ast.walk(parsed(path)) for name in imported(node)]
        assert not [name for name in late if "mock" in name], path
        if path.name.startswith("test_"):
            assert "sleep" not in set(names(path)), path


def test_every_module_says_what_it_owns():
    for path in modules("spine", "tests", "migrations", "examples"):
        tree = parsed(path)
        assert not tree.body or ast.get_docstring(tree), path
