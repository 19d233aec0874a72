#!/usr/bin/env bash
# crewai==1.15.30 (with openai==2.54.0), seen on 2026-11-30 with Python 3.11
#
# Behaviour: an agent without tools drops what its model says up to the last "Final Answer:", without a warning. The
#   prompt never asks for these words; it asks for a complete response.
# Expected: the result of the crew is the model's whole answer, as it is for the same agent with a tool.
# Output seen:
#   the model says: 'Step 1: add the sums.\nFinal Answer: 42\nStep 2: compare it with the ledger.'
#   the prompt has the words "Final Answer:": False
#   without a tool: '42\nStep 2: compare it with the ledger.'
#   with a tool:    'Step 1: add the sums.\nFinal Answer: 42\nStep 2: compare it with the ledger.'
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export PIP_DISABLE_PIP_VERSION_CHECK=1 CREWAI_DISABLE_TELEMETRY=true CREWAI_TRACING_ENABLED=false \
    CREWAI_DISABLE_VERSION_CHECK=true OTEL_SDK_DISABLED=true NO_PROXY=127.0.0.1

python3 -m venv "$folder/env"
timeout 580 "$folder/env/bin/pip" install -qq crewai==1.15.30 openai==2.54.0
HOME=$folder timeout 120 "$folder/env/bin/python" -W ignore - 2>"$folder/log" <<'PYTHON' || { cat "$folder/log" >&2; exit 1; }
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

from crewai import LLM, Agent, Crew, Task
from crewai.tools import BaseTool

SAID = "Step 1: add the sums.\nFinal Answer: 42\nStep 2: compare it with the ledger."
asked = []


class ScriptedModel(BaseHTTPRequestHandler):
    def do_POST(self):
        asked.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
        choice = {"index": 0, "message": {"role": "assistant", "content": SAID}, "finish_reason": "stop"}
        usage = {"prompt_tokens": 9, "completion_tokens": 9, "total_tokens": 18}
        head = {"id": "c", "object": "chat.completion", "created": 1, "model": "gpt-4o"}
        answer = json.dumps({**head, "choices": [choice], "usage": usage}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


class Ledger(BaseTool):
    name: str = "ledger"
    description: str = "The sums of a quarter."

    def _run(self, quarter: str) -> str:
        return "42"


def result(*tools):
    model = LLM(model="openai/gpt-4o", base_url=f"http://127.0.0.1:{server.server_port}/v1", api_key="none")
    agent = Agent(role="analyst", goal="Explain sums", backstory="You know the books.", llm=model, tools=list(tools))
    task = Task(description="How is the sum checked?", expected_output="all steps", agent=agent)
    return Crew(agents=[agent], tasks=[task]).kickoff().raw


server = HTTPServer(("127.0.0.1", 0), ScriptedModel)
threading.Thread(target=server.serve_forever, daemon=True).start()
without_tool = result()
prompted = "Final Answer:" in asked[0]
with_tool = result(Ledger())

print("the model says:", repr(SAID))
print('the prompt has the words "Final Answer:":', prompted)
print("without a tool:", repr(without_tool))
print("with a tool:   ", repr(with_tool))
if (prompted, without_tool, with_tool) != (False, "42\nStep 2: compare it with the ledger.", SAID):
    sys.exit("This is not what was seen on 2026-11-30.")
PYTHON
