#!/usr/bin/env bash
# langchain-openai==1.7.4 (with langchain-core==1.8.3, openai==3.57.0), seen on 2026-11-30 with Python 3.11
#
# Behaviour: when a model refuses, ChatOpenAI.invoke() has its words in additional_kwargs["refusal"]. ChatOpenAI.stream()
#   loses them: the chunks add up to an empty message that ended with "stop".
# Expected: the sum of the streamed chunks has the refusal that the message has when it is not streamed.
# Output seen:
#   invoke: content='' refusal='I cannot help with that.' finish_reason='stop'
#   stream: content='' refusal=None finish_reason='stop'
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export PIP_DISABLE_PIP_VERSION_CHECK=1 LANGSMITH_TRACING=false LANGCHAIN_TRACING_V2=false NO_PROXY=127.0.0.1

python3 -m venv "$folder/env"
timeout 580 "$folder/env/bin/pip" install -qq langchain-openai==1.7.4 langchain-core==1.8.3 openai==3.57.0
HOME=$folder timeout 120 "$folder/env/bin/python" - <<'PYTHON'
import json
import sys
import threading
from functools import reduce
from http.server import BaseHTTPRequestHandler, HTTPServer
from operator import add

from langchain_openai import ChatOpenAI

HEAD = {"id": "c", "created": 1, "model": "gpt-4o"}


def plain():
    message = {"role": "assistant", "content": None, "refusal": "I cannot help with that."}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return "application/json", json.dumps({**HEAD, "object": "chat.completion", "choices": [choice]})


def streamed():
    deltas = [
        ({"role": "assistant", "content": None, "refusal": ""}, None),
        ({"refusal": "I cannot help "}, None),
        ({"refusal": "with that."}, None),
        ({}, "stop"),
    ]
    choices = [{"index": 0, "delta": delta, "finish_reason": finish} for delta, finish in deltas]
    chunks = [json.dumps({**HEAD, "object": "chat.completion.chunk", "choices": [choice]}) for choice in choices]
    return "text/event-stream", "".join(f"data: {chunk}\n\n" for chunk in [*chunks, "[DONE]"])


class ScriptedModel(BaseHTTPRequestHandler):
    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        content_type, text = streamed() if asked.get("stream") else plain()
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


def shown(message):
    refusal = message.additional_kwargs.get("refusal")
    return f"content={message.content!r} {refusal=} finish_reason={message.response_metadata['finish_reason']!r}"


server = HTTPServer(("127.0.0.1", 0), ScriptedModel)
threading.Thread(target=server.serve_forever, daemon=True).start()
model = ChatOpenAI(model="gpt-4o", base_url=f"http://127.0.0.1:{server.server_port}/v1", api_key="none", max_retries=0)
invoked = shown(model.invoke("How do I do this?"))
added = shown(reduce(add, model.stream("How do I do this?")))

print("invoke:", invoked)
print("stream:", added)
refused = "content='' refusal='I cannot help with that.' finish_reason='stop'"
if (invoked, added) != (refused, "content='' refusal=None finish_reason='stop'"):
    sys.exit("This is not what was seen on 2026-11-30.")
PYTHON
