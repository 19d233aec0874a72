"""The action of a request: read off its path, the method of its JSON-RPC body, or the model that it names.

The method and the target are the caller's: they describe, and grant nothing.
"""

import re
from typing import Final

from aimux.core.request import MCP_TARGETS, Action, Protocol

_LONGEST_METHOD: Final = 128
_OPENAI: Final = re.compile(
    r"/(chat/completions|responses|completions|embeddings|moderations|images/(?:generations|edits|variations)"
    r"|audio/(?:speech|transcriptions|translations))\Z"
)
"""The end of a path of OpenAI's API, whatever its version or, on Azure, the deployment before it."""
_DEPLOYMENT: Final = re.compile(r"/deployments/([^/]+)/")
_ANTHROPIC: Final = re.compile(r"/v1/(messages(?:/count_tokens)?|complete)")
_A2A_REST: Final = re.compile(r"/(message:(?:send|stream)|extendedAgentCard|tasks/[^/]+:(?:cancel|subscribe))\Z")
_LAST_SEGMENTS: Final = frozenset(
    (
        *("completions", "responses", "embeddings", "moderations", "generations", "edits", "variations", "speech"),
        *("transcriptions", "translations", "messages", "count_tokens", "complete", "extendedAgentCard"),
    )
)
"""The last segments of these paths, but for those with a colon: most paths need no closer look."""
_PLAIN: Final = {method: Action(Protocol.PLAIN, method) for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")}
_MCP_FAMILIES: Final = frozenset(
    (
        *("tools", "resources", "prompts", "notifications", "completion", "logging", "sampling", "roots"),
        *("elicitation", "server", "subscriptions"),
    )
)
_MCP_METHODS: Final = frozenset(("initialize", "ping"))
_A2A_FAMILIES: Final = frozenset(("message", "tasks", "agent"))
_A2A_METHODS: Final = frozenset(
    (
        *("SendMessage", "SendStreamingMessage", "GetTask", "ListTasks", "CancelTask", "SubscribeToTask"),
        *("CreateTaskPushNotificationConfig", "GetTaskPushNotificationConfig", "ListTaskPushNotificationConfigs"),
        *("DeleteTaskPushNotificationConfig", "GetExtendedAgentCard"),
    )
)


def action_of_head(method: str, path: str, *, speaks_mcp: bool) -> Action:
    """The action by method and path of the request line; `speaks_mcp`: a header says that the body is MCP."""
    if speaks_mcp:
        return Action(Protocol.MCP, method)
    last = path.rpartition("/")[2]
    if last not in _LAST_SEGMENTS and ":" not in last:
        return _PLAIN.get(method) or Action(Protocol.PLAIN, method)
    if found := _OPENAI.search(path):
        deployment = _DEPLOYMENT.search(path)
        return Action(Protocol.OPENAI, found[1].replace("/", "."), deployment and deployment[1])
    if found := _ANTHROPIC.fullmatch(path):
        return Action(Protocol.ANTHROPIC, found[1].replace("/", "."))
    if found := _A2A_REST.search(path):
        return Action(Protocol.A2A, re.sub(r"/[^/]+:", ":", found[1]))
    return Action(Protocol.PLAIN, method)


def action_of_document(document: dict[str, object], head: Action) -> Action:
    """The action by a JSON body beside its head: by the method of JSON-RPC, or the model of a provider's API."""
    method = document.get("method")
    if isinstance(method, str) and "jsonrpc" in document and len(method) <= _LONGEST_METHOD:
        return _of_rpc(document, method, head)
    if head.protocol is Protocol.PLAIN or head.target is not None:
        return head
    model = document.get("model")
    return Action(head.protocol, head.method, model) if isinstance(model, str) and model else head


def _of_rpc(document: dict[str, object], method: str, head: Action) -> Action:
    family = method.partition("/")[0]
    is_mcp = head.protocol is Protocol.MCP or family in _MCP_FAMILIES or method in _MCP_METHODS
    if not is_mcp and family not in _A2A_FAMILIES and method not in _A2A_METHODS:
        return head
    params, name = document.get("params"), MCP_TARGETS.get(method) if is_mcp else None
    target = params.get(name) if isinstance(params, dict) and name is not None else None
    return Action(Protocol.MCP if is_mcp else Protocol.A2A, method, target if isinstance(target, str) else None)
