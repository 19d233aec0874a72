"""`make run`: starts the example agents that a configuration routes to, then runs the gateway in front of them.

The gateway runs in the foreground and prints what it prints; Ctrl-C or SIGTERM stops it as it likes to be stopped, and
the agents end after it. Its exit code is this program's. It ends with its terminal too, unless `nohup` started it.
"""

import argparse
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from aimux.config.load import Loaded, load
from aimux.config.problem import ConfigError
from aimux.core.policy import Route
from aimux.demo.client import send
from aimux.demo.fleet import AGENT_OF_ROUTE, AgentProcess, Berth
from aimux.demo.processes import Child, Children, StartError, end_on_signals, is_free
from aimux.demo.steps import Call
from aimux.demo.terminal import hang_up_with_starter, is_nohup

READY_SECONDS = 60.0
INTERRUPTED = 130
SERVING_LOOPBACK = {"127.0.0.1", "localhost", "0.0.0.0"}
FIRST_CALLS = r"""
  curl "{url}?q=what+is+50+times+3"
  curl "{url}?client_id=finance-bot&q=analyze+revenue"
  curl -H "X-Source-Agent: finance-bot" -d '{{"query": "analyze revenue"}}' {url}
  curl {url}/v1/chat/completions -H "Content-Type: application/json" -H "X-Source-Agent: finance-bot" \
    -d '{{"model": "gpt-4", "messages": [{{"role": "user", "content": "analyze Q3 revenue"}}]}}'
  curl "{url}?client_id=finance-bot&q=reset+the+database"  # 403: only admin-bot may
"""
ROUTES_OF_FIRST_CALLS = {"math", "finance", "admin"}
AGENT_OF_FIRST_CALLS = "finance-bot"


def main(arguments: Sequence[str]) -> int:
    """Run the playground; the gateway's exit code, or 1 where it did not come to that."""
    parser = argparse.ArgumentParser(prog="aimux.demo.playground", description="A gateway with its example agents.")
    parser.add_argument("--config", type=Path, default=Path("aimux.yaml"), help="default: %(default)s")
    config: Path = parser.parse_args(arguments).config
    end_on_signals()
    hang_up_with_starter()
    try:
        with tempfile.TemporaryDirectory(prefix="aimux-playground-") as directory, Children() as children:
            loaded = _load(config)
            if loaded:
                _check_port(loaded)
                _start_agents(loaded, children, Path(directory))
            return _run_gateway(config, loaded, children)
    except StartError as error:
        print(f"playground: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED


def _load(config: Path) -> Loaded | None:
    """None for a configuration with problems: the gateway is about to report them all, and will not start."""
    try:
        return load(config, os.environ)
    except ConfigError:
        return None


def _check_port(loaded: Loaded) -> None:
    host, port = loaded.config.server.host, loaded.config.server.port
    if port and host in SERVING_LOOPBACK and not is_free(host, port):
        raise StartError(
            f"port {port} is taken, where the gateway is to listen; end the program that uses it, "
            f"or choose another port: AIMUX_SERVER__PORT={port + 1} make run"
        )


def _start_agents(loaded: Loaded, children: Children, directory: Path) -> None:
    routes = loaded.policy.routes
    fallback = loaded.policy.fallback
    started: list[tuple[Route, AgentProcess]] = []
    for route in (*routes, *((fallback,) if fallback else ())):
        berth = berth_of(route)
        if berth is None:
            print(
                f"playground: no example agent for {route.name} at {route.upstream.url}; start that one yourself",
                flush=True,
            )
            continue
        if not is_free(berth.host, berth.port):
            raise StartError(
                f"{berth.host}:{berth.port} is taken, where the example agent of {route.name} is to listen; "
                f"end the program that uses it, or give {route.name} another upstream in {loaded.path}"
            )
        started.append((route, AgentProcess(children, berth, directory, "--quiet")))
    for _, agent in started:
        agent.wait()
    print("".join(f"{agent.name:10} {route.upstream.url}\n" for route, agent in started), end="", flush=True)


def berth_of(route: Route) -> Berth | None:
    """The example agent that belongs behind a route, if one does and the route leads to this machine."""
    agent = AGENT_OF_ROUTE.get(route.name)
    if agent is None or route.upstream.secure or route.upstream.host not in {"127.0.0.1", "localhost"}:
        return None
    return Berth(agent, "127.0.0.1", route.upstream.port)


def _run_gateway(config: Path, loaded: Loaded | None, children: Children) -> int:
    gateway = children.start("the gateway", "aimux", "run", "--config", str(config))
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: gateway.send(number))
    if not is_nohup():
        signal.signal(signal.SIGHUP, lambda *_: _hang_up(gateway))
    if loaded and loaded.config.server.port and loaded.config.server.host in SERVING_LOOPBACK:
        _greet(gateway, loaded)
    return gateway.wait()


def _hang_up(gateway: Child) -> None:
    """Stop the gateway, for which SIGHUP means a reload. Once: the kernel, make and the watch may each send one."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    gateway.send(signal.SIGTERM)


def _greet(gateway: Child, loaded: Loaded) -> None:
    """Say what to try first, once the gateway is ready; a gateway that ends instead has said why."""
    port = loaded.config.server.port
    try:
        gateway.wait_until(lambda: send(port, Call("/readyz")).status == 200, READY_SECONDS)
    except StartError:
        return
    print(banner(loaded), flush=True)


def banner(loaded: Loaded) -> str:
    """Where the gateway is, and the first calls to try where it has the routes for them."""
    url = f"http://localhost:{loaded.config.server.port}"
    calls = FIRST_CALLS.format(url=url) if _is_the_demo(loaded) else ""
    try_them = f"\nTry in another terminal:\n{calls}" if calls else ""
    ready = f"The gateway is ready on {url}, Ctrl-C stops it. See what it does: {url}/dashboard/"
    return f"\n{ready}{_where_the_command_is()}{try_them}"


def _where_the_command_is() -> str:
    """How to call `aimux` where the shell does not find it: it is in the virtual environment that runs this."""
    programs = Path(sys.executable).parent
    if shutil.which("aimux") is not None or not (programs / "aimux").exists():
        return ""
    with suppress(ValueError):
        programs = programs.relative_to(Path.cwd())
    return f"\nThe aimux command: source {programs}/activate, or call it as {programs}/aimux"


def _is_the_demo(loaded: Loaded) -> bool:
    """Whether the first calls find their agent registered, and example agents behind their routes."""
    routes = [route for route in loaded.policy.routes if route.name in ROUTES_OF_FIRST_CALLS and berth_of(route)]
    return len(routes) == len(ROUTES_OF_FIRST_CALLS) and AGENT_OF_FIRST_CALLS in loaded.policy.agents


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
