"""A command, and a group of them, that say what a word was meant for which they do not take."""

import re
import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from typer.core import TyperCommand, TyperGroup

from spine.cli.spelling import hidden
from spine.records.run import CRASHED, RunStatus

_SHAPES = {  # of what an option takes, by its metavar
    "NAME=VALUE": re.compile(r"[\w.-]+=.*"),
    "STATUS": re.compile("|".join((*RunStatus, CRASHED))),
    "TIME": re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}.*|[0-9]{1,9}[smhdw]"),
    "DAYS": re.compile(r"[0-9]+(\.[0-9]+)?"),
    "MODULE_OR_FILE[:ATTR]": re.compile(r".+\.py(:\w+)?"),
    "URL": re.compile(r"\w+:///?.+"),
}


class Command(TyperCommand):
    """`spine run orders.py day=1` is told of `--param day=1`; an option of one value is not taken twice."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Take the words as typer does, but for those that nothing takes."""
        given = list(args)
        ctx.allow_extra_args = True
        left = super().parse_args(ctx, args)
        if left:
            ctx.fail(f"Got unexpected extra argument(s) ({' '.join(left)}).{_hint(given, left, self.params)}")
        _refuse_twice(self, ctx, given)
        return left


class Commands(TyperGroup):
    """`spine show` is told of `spine runs show`, and `spine runs resume` of `spine resume`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Take the words before the command as typer does, and no option of one value twice."""
        given = list(args)
        left = super().parse_args(ctx, args)
        _refuse_twice(self, ctx, given)
        return left

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find a command as typer does; one that only other groups have is refused with where it is."""
        name = args[0]
        if self.get_command(ctx, name) is None and (found := list(_paths(ctx.find_root().command, "spine", name))):
            ctx.fail(f"No such command {name!r}. Did you mean {' or '.join(map(repr, found))}?")
        return super().resolve_command(ctx, args)


def _hint(given: Sequence[str], left: Sequence[str], params: Iterable[Any]) -> str:
    """Tell what words that nothing takes were meant for; after `--` options are none."""
    if "--" in given and any(word.startswith("-") for word in left):
        return " Options go before the --; what follows it is taken as it is."
    meant = " ".join(filter(None, (_meant(word, params) for word in left)))
    return f" Did you mean {meant}?" if meant else ""


def _meant(word: str, params: Iterable[Any]) -> str | None:
    """Give a word with the first option that takes what looks so; a secret is never repeated."""
    for param in params:
        shape = _SHAPES.get(param.metavar) if param.opts[0].startswith("--") else None
        if shape and shape.fullmatch(word) and hidden(word) == word:
            return f"{param.opts[0]} {shlex.quote(word)}"
    return None


def _refuse_twice(command: Any, ctx: Any, given: list[str]) -> None:
    """Refuse an option that is given twice here and takes one value: typer would drop the first in silence."""
    _, _, order = command.make_parser(ctx).parse_args(args=given)
    for param, times in Counter(order).items():
        if times > 1 and param.param_type_name == "option" and not (param.multiple or param.is_flag):
            ctx.fail(f"{param.opts[0]} is given twice; leave one of them out")


def _paths(group: Any, path: str, name: str) -> Iterator[str]:
    for known, command in group.commands.items():
        if known == name:
            yield f"{path} {name}"
        elif isinstance(command, TyperGroup):
            yield from _paths(command, f"{path} {known}", name)
