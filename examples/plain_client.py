"""Talks to the mesh with nothing but Python: names itself in a header, sends JSON, and makes sense of a refusal.

python examples/plain_client.py "what is 50 times 3"                        # anonymous
python examples/plain_client.py --agent finance-bot "analyze revenue"
python examples/plain_client.py --agent admin-bot --route admin "reset the database"
"""

import argparse
import json
import sys
import urllib.error
import urllib.request


def main() -> int:
    """Ask one question; 0 where it was answered."""
    parser = argparse.ArgumentParser(description="One request through the gateway.")
    parser.add_argument("--url", default="http://localhost:8080", help="the gateway (default: %(default)s)")
    parser.add_argument("--agent", help="who asks (default: nobody says)")
    parser.add_argument("--route", help="address this route by name, whatever the text means")
    parser.add_argument("text")
    options = parser.parse_args()

    request = urllib.request.Request(
        options.url,
        data=json.dumps({"query": options.text}).encode(),
        headers={"Content-Type": "application/json"},
    )
    if options.agent:
        request.add_header("X-Source-Agent", options.agent)
    if options.route:
        request.add_header("X-AIMux-Route", options.route)
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            print(json.dumps(json.load(response), indent=2, ensure_ascii=False))
            print(f"by route {response.headers['X-AIMux-Route']}", file=sys.stderr)
    except urllib.error.HTTPError as answer:
        explain(answer)
        return 1
    except urllib.error.URLError as error:
        print(f"no gateway at {options.url}: {error.reason}", file=sys.stderr)
        return 1
    return 0


def explain(answer: urllib.error.HTTPError) -> None:
    """Say what the gateway refused and why. The code is for programs, the message for people."""
    try:
        error = json.load(answer)["error"]
        code, message = error["code"], error["message"]
    except (ValueError, KeyError, TypeError):
        print(f"{answer.code}, from an upstream", file=sys.stderr)
        return
    print(f"{answer.code} {code}: {message}", file=sys.stderr)
    if code == "ambiguous_route":
        print(f"name one with --route: {', '.join(error['candidates'])}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
