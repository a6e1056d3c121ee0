"""`Source`: a file or module that the operator named, and what was found in it."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from spine.errors import InvalidSetting, WorkflowNotFound
from spine.orchestration.workflow import Workflow

REGISTERED = "__spine_registered__"  # an attribute of a module that was imported as an app


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A file or module that was imported, and the workflows found in it by attribute; `reference` names it.

    `pipelines` are the functions that importing it registered, by name; `root` is the folder that its modules are
    imported from, None if it has no file.
    """

    reference: str
    workflows: dict[str, Workflow]
    pipelines: dict[str, Callable[..., Any]]
    root: Path | None

    @classmethod
    def of(cls, reference: str, module: ModuleType) -> "Source":
        """Look through a module that was imported."""
        return cls(
            reference=reference,
            workflows={name: found for name, found in vars(module).items() if isinstance(found, Workflow)},
            pipelines=vars(module).get(REGISTERED, {}),
            root=root_of(module),
        )

    def choose(self, name: str) -> Workflow:
        """Give the workflow of this name or attribute; raise `WorkflowNotFound`, naming those there are."""
        named = {id(found): found for found in self.workflows.values() if found.name == name}
        if len(named) == 1:
            return next(iter(named.values()))
        if name in self.workflows:
            return self.workflows[name]
        if named:
            attributes = [attribute for attribute, found in self.workflows.items() if found.name == name]
            raise InvalidSetting(
                f"{self.reference} has {len(named)} workflows named {name!r}; name the attribute instead: "
                + ", ".join(attributes)
            )
        if not self.workflows:
            raise WorkflowNotFound(none_in(self.reference))
        raise WorkflowNotFound(f"no workflow {name!r} in {self.reference}; it has: {self._names()}")

    def only(self) -> Workflow:
        """Give the one workflow there is; raise `InvalidSetting` if there is none or a choice to make."""
        found = {id(workflow): workflow for workflow in self.workflows.values()}
        if not found:
            raise InvalidSetting(none_in(self.reference))
        if len(found) > 1:
            raise InvalidSetting(
                f"{self.reference} has {len(found)} workflows; name one, as in {self.reference}:NAME: {self._names()}"
            )
        return next(iter(found.values()))

    def reference_of(self, workflow: Workflow) -> str:
        """Name this source so that it leads to this workflow; with the attribute where names are given twice."""
        if max(self._bearers().values()) == 1:
            return self.reference
        return f"{self.reference}:{next(name for name, found in self.workflows.items() if found is workflow)}"

    def _names(self) -> str:
        bearers = self._bearers()
        told = {found.name if bearers[found.name] == 1 else name for name, found in self.workflows.items()}
        return ", ".join(sorted(told))

    def _bearers(self) -> Counter[str]:
        """Count the workflows of each name."""
        return Counter({id(found): found.name for found in self.workflows.values()}.values())


def none_in(reference: str) -> str:
    """Say that there is no workflow, and where one would be seen."""
    return (
        f"no workflow in {reference}; it needs one that has a name at the top of the module, such as: "
        "flow = Workflow('flow', [...]); one in a list or a dict, or made inside a function, is not seen"
    )


def root_of(module: ModuleType) -> Path | None:
    """Give the folder that must be importable for a module to be imported by its name; None if it has no file."""
    file = getattr(module, "__file__", None)
    if not isinstance(file, str):
        return None
    above = Path(file).absolute().parents
    depth = module.__name__.count(".") + hasattr(module, "__path__")
    return above[depth].resolve() if depth < len(above) else None
