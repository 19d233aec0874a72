"""The status agent, which the open route `health` leads to: how long it has been up and how busy its machine is."""

import os
import time

from aimux.demo.agents.asking import Question
from aimux.demo.agents.serving import Agent, run

STARTED = time.monotonic()


def answer(_question: Question) -> str:
    """Two measured facts. Everybody may ask, so that it says no more than everybody may know."""
    minutes, seconds = divmod(int(time.monotonic() - STARTED), 60)
    load = os.getloadavg()[0] / (os.cpu_count() or 1)
    return f"Everything is up: this agent for {minutes} min {seconds} s; the load of its machine is {load:.0%}."


AGENT = Agent("status", answer)

if __name__ == "__main__":
    run(AGENT)
