"""LangGraph: a graph whose state holds the outputs, and its saver for each database."""

import operator
from contextlib import ExitStack
from typing import Annotated, Any, TypedDict

from langgraph.checkpoint.postgres import PostgresSaver
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import END, START, StateGraph

from benchmarks.contender import POSTGRESQL, SQLITE
from benchmarks.work import Output, Work


class State(TypedDict):
    """The outputs so far; a step adds its own."""

    outputs: Annotated[list[Output], operator.add]


class LangGraphSaver:
    """One node that is visited again and again, which is easier on it than a node a step; `durability="sync"`."""

    name = "LangGraph"
    needs = "langgraph"
    kinds = (POSTGRESQL, SQLITE)
    durability = "durability=sync; synchronous_commit=on; WAL with SQLite's default synchronous=FULL"

    def open(self, url: str) -> None:
        """See `Contender`."""
        self._opened = ExitStack()
        saver: Any = PostgresSaver if url.startswith("postgresql") else SqliteSaver
        self._saver = self._opened.enter_context(saver.from_conn_string(url.removeprefix("sqlite:///")))
        self._saver.setup()

    def drive(self, work: Work) -> None:
        """See `Contender`."""

        def step(state: State) -> State:
            done = state["outputs"]
            return {"outputs": [work.perform(len(done), done.__getitem__)]}

        graph = StateGraph(State)
        graph.add_node("step", step)
        graph.add_edge(START, "step")
        graph.add_conditional_edges("step", lambda state: "step" if len(state["outputs"]) < work.steps else END)
        config = {"configurable": {"thread_id": work.run}, "recursion_limit": work.steps + 10}
        graph.compile(checkpointer=self._saver).invoke({"outputs": []}, config, durability="sync")

    def stored(self, work: Work) -> list[Output]:
        """See `Contender`."""
        newest = self._saver.get({"configurable": {"thread_id": work.run}})
        return list(newest["channel_values"]["outputs"])

    def close(self) -> None:
        """See `Contender`."""
        self._opened.close()


CONTENDER = LangGraphSaver
