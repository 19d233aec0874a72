#!/usr/bin/env bash
# smolagents==1.26.0, seen on 2026-11-30 with Python 3.11
#
# Behaviour: an agent with planning_interval asks its model for a new plan with the name of a variable in place of the
#   number of steps that remain, although it counts them.
# Expected: the prompt has the number: one step of three is done, so two remain.
# Output seen:
#   requests for a new plan: 1
#   steps that remain, as the model reads it: {remaining_steps}
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export PIP_DISABLE_PIP_VERSION_CHECK=1 HF_HUB_DISABLE_TELEMETRY=1 HF_HUB_OFFLINE=1

python3 -m venv "$folder/env"
timeout 580 "$folder/env/bin/pip" install -qq smolagents==1.26.0
HOME=$folder timeout 120 "$folder/env/bin/python" - <<'PYTHON'
import re
import sys

from smolagents import ChatMessage, Model, Tool, ToolCallingAgent
from smolagents.models import ChatMessageToolCall, ChatMessageToolCallFunction


class Revenue(Tool):
    name = "revenue"
    description = "The revenue of a quarter."
    inputs = {"quarter": {"type": "string", "description": "The quarter."}}
    output_type = "string"

    def forward(self, quarter: str) -> str:
        return "42"


class ScriptedModel(Model):
    """Writes a plan where no tools are offered; calls a tool first, and then gives the answer."""

    def __init__(self):
        super().__init__(model_id="scripted")
        self.asked = []
        self.calls = iter([("revenue", {"quarter": "Q3"}), ("final_answer", {"answer": "42"})])

    def generate(self, messages, tools_to_call_from=None, **_):
        self.asked.append(messages)
        if not tools_to_call_from:
            return ChatMessage(role="assistant", content="1. Look it up. 2. Answer.")
        name, arguments = next(self.calls)
        function = ChatMessageToolCallFunction(name=name, arguments=arguments)
        call = ChatMessageToolCall(id="call_1", type="function", function=function)
        return ChatMessage(role="assistant", content=None, tool_calls=[call])


model = ScriptedModel()
agent = ToolCallingAgent(tools=[Revenue()], model=model, planning_interval=1, max_steps=3, verbosity_level=0)
agent.run("What was the revenue of the third quarter?")

last = [str(messages[-1].content[0]["text"]) for messages in model.asked if isinstance(messages[-1].content, list)]
remaining = [number for text in last for number in re.findall(r"(\S+) steps remaining", text)]
print("requests for a new plan:", len(remaining))
print("steps that remain, as the model reads it:", *remaining)
if remaining != ["{remaining_steps}"]:
    sys.exit("This is not what was seen on 2026-11-30.")
PYTHON
