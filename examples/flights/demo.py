"""January 2013 on SQLite, a run a day; two fail, one is resumed here and one is yours: `make demo`."""

import logging
import os
import shlex
import shutil
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

from examples.flights import results
from examples.flights.workflow import flights
from spine.orchestration import WorkflowResult, WorkflowRunner

ROOT = Path(__file__).resolve().parents[2]
PLACE = Path("build", "demo")
DATABASE_URL = f"sqlite:///{(PLACE / 'flights.db').as_posix()}"
APP = "examples/flights/workflow.py"
DAYS = [date(2013, 1, 1) + timedelta(days=number) for number in range(31)]

# On one day the target is a database server that is down: nothing listens on port 1.
DOWN_ON = date(2013, 1, 17)
ENVIRONMENT = {
    "SPINE_DATABASE_URL": DATABASE_URL,
    "SPINE_APP": APP,
    "FLIGHTS_TARGET_WAREHOUSE": "postgresql://127.0.0.1:1/warehouse",
}


def main() -> None:
    os.chdir(ROOT)
    os.environ.update(ENVIRONMENT)
    logging.getLogger("spine").addHandler(logging.NullHandler())  # what fails is told below, once
    shutil.rmtree(PLACE, ignore_errors=True)
    PLACE.mkdir(parents=True)

    say("Every flight that left New York in January 2013: one workflow, one run a day.")
    failed = run_the_month()
    say("The runs, as they stand in the database:")
    print(f"$ export SPINE_DATABASE_URL={DATABASE_URL} SPINE_APP={APP}")
    spine("runs", "list")
    on_down_day, *others = failed
    say(f"The target of {on_down_day.run_id} was down. The steps before {on_down_day.error_step} are kept:")
    spine("checkpoints", "list", on_down_day.run_id)
    say("It goes on from there, with a target that is up:")
    spine("resume", on_down_day.run_id, "--param", "target=main")
    say("What the runs have loaded:")
    print("\n".join(results.lines()))
    for result in others:
        leave_to_the_reader(result)


def run_the_month() -> list[WorkflowResult]:
    """Run each day, and return the ones that failed."""
    failed = []
    with WorkflowRunner(DATABASE_URL) as runner:
        for day in DAYS:
            params = {"work_dir": str(PLACE.resolve()), "target": "warehouse" if day == DOWN_ON else "main"}
            result = runner.execute(flights, params, run_id=f"flights-{day}", partition={"date": str(day)})
            print(outcome(day, result), flush=True)
            if result.error_step:
                failed.append(result)
    return failed


def outcome(day: date, result: WorkflowResult) -> str:
    if result.error_step:
        return f"{day}  FAILED at {result.error_step}: {result.error}"
    numbers = result.context.outputs["report"]
    counts = f"{numbers['flights']} flights, {numbers['cancelled']:2} cancelled"
    return f"{day}  {counts}, {numbers['mean_dep_delay']:4} min late on average"


def leave_to_the_reader(result: WorkflowResult) -> None:
    """Print the one command to type: fog is no reason to refuse a day."""
    say(f"Your turn: {result.run_id} is still failed, at {result.error_step}: {result.error}.")
    command = f"{spine_command()} resume {result.run_id} --app {APP} --param max_missing=0.15"
    print("Fog kept them on the ground; the data is right. Raise the limit and watch it finish:\n")
    print(f"  SPINE_DATABASE_URL={DATABASE_URL} {command}\n", flush=True)


def spine_command() -> str:
    """Name the installed command beside this Python, as it would be typed from here."""
    script = Path(sys.executable).with_name("spine")
    if not script.exists():
        return f"{shlex.quote(sys.executable)} -m spine"
    return shlex.quote(str(script.relative_to(ROOT) if script.is_relative_to(ROOT) else script))


def spine(*arguments: str) -> None:
    """Type a command, for the reader to see and for the database to feel."""
    print(f"$ {spine_command()} {shlex.join(arguments)}", flush=True)
    command = [sys.executable, "-m", "spine", *arguments]
    subprocess.run(command, check=True, stderr=sys.stdout)  # noqa: S603  # one story, also in a file


def say(text: str) -> None:
    print(f"\n{text}\n", flush=True)


if __name__ == "__main__":
    try:
        main()
    except BrokenPipeError:  # whoever read the beginning has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
