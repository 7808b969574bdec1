"""An event log small enough to compute by hand: a driver and two executors, times in seconds."""

from __future__ import annotations

import json
from typing import Any

Event = dict[str, Any]

SETTINGS = {
    "spark.master": "k8s://https://kubernetes.default.svc",
    "spark.driver.memory": "1g",
    "spark.driver.memoryOverhead": "1024",
    "spark.kubernetes.driver.request.cores": "500m",
    "spark.executor.cores": "2",
    "spark.executor.memory": "2g",
    "spark.executor.memoryOverhead": "2g",
}
# Driver 600 s of 0.5 vCPU and 2 GB; executors 300 s and 500 s of 2 vCPUs and 4 GB.
VCPU_SECONDS = 600 * 0.5 + (300 + 500) * 2
GB_SECONDS = 600 * 2 + (300 + 500) * 4
IMAGES = 160
TASK_SECONDS = 80
_COUNTER, _OTHER = 7, 8
_SQL = "org.apache.spark.sql.execution.ui.SparkListenerSQL"


def events() -> list[Event]:
    """The events from second 1000 to second 1600."""
    return [
        at("ApplicationStart", 1000, **{"App Name": "image-features run one"}),
        {"Event": "SparkListenerEnvironmentUpdate", "Spark Properties": SETTINGS},
        added("1", 1060),
        added("2", 1100),
        {"Event": f"{_SQL}ExecutionStart", "sparkPlanInfo": plan(), "time": 1110_000},
        # An executor has two slots: its first two tasks include start-up, the third does not.
        task_end(1180, {_COUNTER: 20, _OTHER: 5000}, "2"),
        task_end(1190, {_COUNTER: 30}, "2"),
        task_end(1260, {_COUNTER: 50}, "2"),
        at("ExecutorRemoved", 1360, **{"Executor ID": "1"}),
        # Spark logs the removal of a decommissioned executor twice.
        at("ExecutorRemoved", 1390, **{"Executor ID": "1"}),
        task_end(1500, {_COUNTER: 60}, "1"),
        at("ApplicationEnd", 1600),
    ]


def lines(log: list[Event]) -> list[bytes]:
    return [json.dumps(event).encode() for event in log]


def at(event: str, second: int, **fields: Any) -> Event:
    return {"Event": f"SparkListener{event}", "Timestamp": second * 1000, **fields}


def added(identity: str, second: int) -> Event:
    info = {"Host": "10.0.0.1", "Total Cores": 2}
    return at("ExecutorAdded", second, **{"Executor ID": identity, "Executor Info": info})


def task_end(second: int, rows_by_counter: dict[int, int], executor: str) -> Event:
    accumulables = [
        {"ID": identity, "Name": "number of output rows", "Update": str(rows), "Value": "0"}
        for identity, rows in rows_by_counter.items()
    ]
    times = {"Launch Time": (second - TASK_SECONDS) * 1000, "Finish Time": second * 1000}
    info = {**times, "Executor ID": executor, "Accumulables": accumulables}
    return {"Event": "SparkListenerTaskEnd", "Task Info": info}


def plan() -> Event:
    """The plan of a write of featurized images."""

    def node(text: str, counter: int, *children: Event) -> Event:
        metrics = [{"name": "number of output rows", "accumulatorId": counter}]
        return {"simpleString": text, "metrics": metrics, "children": list(children)}

    return node(
        "WriteFiles", 9, node("MapInArrow featurize(path#1)", _COUNTER, node("Scan", _OTHER))
    )
