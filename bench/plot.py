"""Draws docs/peers.svg and docs/growth.svg from what the last runs have left.

Run `make bench PARTS=peers` and `python bench/growth.py` before. matplotlib, which it
needs, is in the extra `bench`.
"""

import json
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib import pyplot as plt

HERE = Path(__file__).parent
DOCS = HERE.parent / "docs"
LINES = {
    "organization, local time": ("businessTime", "", "all types", "always", ""),
    "organization, utcTime": ("utcTime", "", "all types", "always", ""),
    "organization, receivedTime": ("receivedTime", "", "all types", "always", ""),
    "a rare type of a month": ("utcTime", "", "a rare type", "a month", ""),
    "three types, newest first": ("utcTime", "reverse", "three types", "always", ""),
    "a contact": ("businessTime", "", "all types", "always", "somebody"),
}


def peers() -> None:
    """Bars for each measure; footfall's in colour."""
    found: dict[str, Any] = json.loads((HERE / "data" / "peers.json").read_text())
    servers, measures = found["servers"], found["measures"]
    figure, axes = plt.subplots(
        (len(measures) + 1) // 2, 2, figsize=(10, 1.9 * len(measures) / 2 + 1)
    )
    for number, (name, axis) in enumerate(zip(measures, axes.flat, strict=False)):
        values = [figures[number] for figures in servers.values()]
        colours = ["#0b6e99" if "footfall" in one else "#9aa5ab" for one in servers]
        bars = axis.barh(list(servers), values, color=colours)
        axis.bar_label(bars, fmt="{:,.0f}", padding=3, fontsize=8)
        axis.set_title(name, fontsize=9, loc="left")
        axis.invert_yaxis()
        axis.margins(x=0.18)
        axis.tick_params(labelsize=8)
        axis.xaxis.set_visible(False)
        axis.spines[["top", "right", "bottom"]].set_visible(False)
    for axis in axes.flat[len(measures) :]:
        axis.set_visible(False)
    figure.suptitle(f"{found['events']:,} events, 2 cores, all durable", fontsize=10)
    save(figure, "peers")


def growth() -> None:
    """Lines over the number of events."""
    lines = json.loads((HERE / "data" / "growth.json").read_text())
    times = {tuple(line["name"]): line["ms"] for line in lines}
    figure, axis = plt.subplots(figsize=(7, 3.5))
    for label, name in LINES.items():
        if name in times:
            axis.plot(
                [int(size) for size in times[name]],
                list(times[name].values()),
                marker="o",
                label=label,
            )
    axis.set_xscale("log")
    axis.set_ylim(bottom=0)
    axis.set_xlabel("events in the store")
    axis.set_ylabel("two pages of 20, ms")
    axis.legend(fontsize=8)
    axis.spines[["top", "right"]].set_visible(False)
    save(figure, "growth")


def save(figure: Any, name: str) -> None:
    figure.tight_layout()
    figure.savefig(DOCS / f"{name}.svg", metadata={"Date": None})


mpl.use("svg")
mpl.rcParams["svg.hashsalt"] = "footfall"
mpl.rcParams["svg.fonttype"] = "none"
for draw in (peers, growth):
    try:
        draw()
    except FileNotFoundError as error:
        print(f"{draw.__name__}: {error.filename} is not there; run its bench before")
