"""The servers: the upstream, and what is measured in front of it. How each is configured, started and found ready."""

import json
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Final, Protocol

from bench import BenchError
from bench.client import answers
from bench.machine import free_port
from bench.processes import Process
from bench.sample import Sample
from bench.tools import path_of

_READY_SECONDS: Final = 60.0
_FOREVER: Final = 1_000_000_000
_LARGE: Final = 2**20
# The paths of its files keep nginx out of the system's own; keepalive_requests keeps it from closing connections.
_NGINX: Final = """
daemon off; worker_processes 1; pid {place}/nginx.pid; error_log stderr;
events {{ worker_connections 8192; }}
http {{
  access_log off; keepalive_timeout 300s; keepalive_requests {forever};
  client_body_temp_path {place}/body; proxy_temp_path {place}/proxy; fastcgi_temp_path {place}/fastcgi;
  uwsgi_temp_path {place}/uwsgi; scgi_temp_path {place}/scgi;
  {content}
}}
"""
_FIXED: Final = 'server {{ listen 127.0.0.1:{port}; location / {{ default_type text/plain; return 200 "ok\\n"; }} }}'
# What it returns at once it returns before a body has come: the sink reads all of it first.
_UPSTREAM: Final = """
  client_max_body_size 0; client_body_buffer_size 128m;
  server {{
    listen 127.0.0.1:{port};
    location / {{ default_type text/plain; return 200 "ok\\n"; }}
    location = /v1/chat/completions {{ default_type application/json; return 200 '{completion}'; }}
    location = /huge {{ root {place}; }}
    location = /sink {{
      proxy_pass http://127.0.0.1:{port}/; proxy_pass_request_body off; proxy_set_header Content-Length "";
    }}
  }}
"""
_COMPLETION: Final = json.dumps(
    {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "gpt-4",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "done"}}],
        "usage": {"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10},
    }
)
_PROXY: Final = """
  client_max_body_size 0; proxy_http_version 1.1; proxy_set_header Connection "";
  proxy_request_buffering off; proxy_max_temp_file_size 0;
  upstream fixed {{ server 127.0.0.1:{upstream}; keepalive 64; keepalive_requests {forever}; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{ proxy_pass http://fixed; }}
    location = /events {{ proxy_pass http://127.0.0.1:{streams}; proxy_buffering off; }}
  }}
"""
HUGE: Final = 100 * 2**20


class Recipe(Protocol):
    """How to start a server."""

    @property
    def name(self) -> str:
        """What the figures call it."""

    @property
    def ready_path(self) -> str:
        """What it answers with 200 once it is ready."""

    def command(self, port: int, place: Path) -> list[str]:
        """The command that runs it in the foreground on this port, with its files in this directory."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server that runs, and the seconds from the start of its process until it was ready."""

    name: str
    port: int
    process: Process
    start_seconds: float


@dataclass(frozen=True, slots=True)
class Nginx:
    """nginx with one worker: a plain proxy to the upstream or, without one, the upstream itself."""

    name: str
    upstream: int | None = None
    streams: int = 1
    ready_path: str = "/"

    def command(self, port: int, place: Path) -> list[str]:
        """Write its configuration and, for an upstream, the large file."""
        values = {"port": port, "upstream": self.upstream, "streams": self.streams, "forever": _FOREVER, "place": place}
        if self.upstream is None:
            with (place / "huge").open("wb") as huge:
                huge.truncate(HUGE)
        content = (_UPSTREAM if self.upstream is None else _PROXY).format(**values, completion=_COMPLETION)
        file = place / "nginx.conf"
        file.write_text(_readable(_NGINX.format(place=place, forever=_FOREVER, content=content)))
        return [path_of("nginx"), "-p", str(place), "-c", str(file)]


@dataclass(frozen=True, slots=True)
class LargePages:
    """nginx as an upstream for thousands of connections: three bytes, and under /large a page that fills buffers."""

    name: str
    ready_path: str = "/"

    def command(self, port: int, place: Path) -> list[str]:
        """Write its configuration, and the page."""
        (place / "large").write_bytes(b"x" * _LARGE)
        content = _FIXED.format(port=port).removesuffix("}") + f"location = /large {{ root {place}; }} }}"
        text = _readable(_NGINX.format(place=place, forever=_FOREVER, content=content))
        file = place / "nginx.conf"
        file.write_text(text)
        return [path_of("nginx"), "-p", str(place), "-c", str(file)]


@dataclass(frozen=True, slots=True)
class Envoy:
    """Envoy with one worker thread, as a plain proxy to the upstream."""

    name: str
    program: Path
    upstream: int
    ready_path: str = "/"

    def command(self, port: int, place: Path) -> list[str]:
        """Write its configuration."""
        file = place / "envoy.json"
        file.write_text(json.dumps(_envoy_bootstrap(port, self.upstream)))
        options = ["--concurrency", "1", "--log-level", "warn", "--disable-hot-restart"]
        return [str(self.program), "-c", str(file), *options]


@dataclass(frozen=True, slots=True)
class Gateway:
    """AIMux with the sample configuration, whose upstreams are all the one upstream."""

    name: str
    sample: Sample
    upstream: int
    streams: int | None = None
    workers: int = 1
    audit: Mapping[str, Any] = field(default_factory=dict)
    ready_path: str = "/readyz"

    def command(self, port: int, place: Path) -> list[str]:
        """Write its configuration."""
        file = place / "aimux.yaml"
        file.write_text(self.sample.configuration(port, self.upstream, self.streams, self.workers, self.audit))
        return [sys.executable, "-m", "aimux", "run", "--config", str(file)]


@contextmanager
def start(recipe: Recipe, core: int | Sequence[int], directory: Path) -> Iterator[Server]:
    """Run a server on its core or cores and a free port, its files in a new directory under this one.

    Raises BenchError.
    """
    port = free_port()
    place = Path(mkdtemp(prefix=f"{recipe.name}-", dir=directory))
    command = recipe.command(port, place)
    cores = (core,) if isinstance(core, int) else core
    started = time.perf_counter()
    with Process(command, cores, place / "output.log", _environment()) as process:
        while not answers(port, recipe.ready_path):
            waited = time.perf_counter() - started
            if process.exit_code is not None or waited > _READY_SECONDS:
                raise BenchError(f"{recipe.name} did not come up:\n{process.last_lines()}")
            # Asking costs the server time: about 2 % of error is the price of knowing.
            time.sleep(max(0.001, waited / 50))
        yield Server(recipe.name, port, process, time.perf_counter() - started)


def _readable(configuration: str) -> str:
    """nginx's configuration, for a worker that may read our files: without root's rights, root's could not."""
    return (
        configuration.replace("worker_processes 1;", "worker_processes 1; user root;")
        if os.geteuid() == 0
        else configuration
    )


def _environment() -> Mapping[str, str]:
    """Ours, without what would change the gateway's configuration."""
    return {name: value for name, value in os.environ.items() if not name.startswith("AIMUX_")}


def _envoy_bootstrap(port: int, upstream: int) -> object:
    prefix = "type.googleapis.com/envoy.extensions."
    manager = {
        "@type": prefix + "filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "plain",
        "route_config": {
            "virtual_hosts": [
                {
                    "name": "all",
                    "domains": ["*"],
                    "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "fixed"}}],
                }
            ]
        },
        "http_filters": [
            {"name": "router", "typed_config": {"@type": prefix + "filters.http.router.v3.Router"}},
        ],
    }
    endpoint = {"endpoint": {"address": _envoy_address(upstream)}}
    return {
        "static_resources": {
            "listeners": [
                {
                    "name": "front",
                    "address": _envoy_address(port),
                    "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
                }
            ],
            "clusters": [
                {
                    "name": "fixed",
                    "type": "STATIC",
                    "load_assignment": {"cluster_name": "fixed", "endpoints": [{"lb_endpoints": [endpoint]}]},
                }
            ],
        }
    }


def _envoy_address(port: int) -> object:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}
