"""A group of commands that says where a command is that it does not have."""

from collections.abc import Iterator
from typing import Any

from typer.core import TyperGroup


class Commands(TyperGroup):
    """`spine show` is told of `spine runs show`, and `spine runs resume` of `spine resume`."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find a command as typer does; one that only other groups have is refused with where it is."""
        name = args[0]
        if self.get_command(ctx, name) is None and (found := list(_paths(ctx.find_root().command, "spine", name))):
            ctx.fail(f"No such command {name!r}. Did you mean {' or '.join(map(repr, found))}?")
        return super().resolve_command(ctx, args)


def _paths(group: Any, path: str, name: str) -> Iterator[str]:
    for known, command in group.commands.items():
        if known == name:
            yield f"{path} {name}"
        elif isinstance(command, TyperGroup):
            yield from _paths(command, f"{path} {known}", name)
