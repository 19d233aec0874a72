"""Talks to an agent of the mesh with the official OpenAI SDK: all that changes is the base URL and one header.

pip install openai
python examples/openai_chat.py "analyze Q3 revenue"
python examples/openai_chat.py --stream "analyze revenue"
python examples/openai_chat.py "reset the database"      # 403: finance-bot may not
"""

import argparse
import sys

import openai


def main() -> int:
    """Ask one question; 0 where it was answered."""
    parser = argparse.ArgumentParser(description="One chat completion through the gateway.")
    parser.add_argument("--url", default="http://localhost:8080", help="the gateway (default: %(default)s)")
    parser.add_argument("--agent", default="finance-bot", help="who asks (default: %(default)s)")
    parser.add_argument("--stream", action="store_true", help="print the answer as it comes")
    parser.add_argument("text")
    options = parser.parse_args()

    client = openai.OpenAI(
        base_url=f"{options.url}/v1",
        api_key="unused",  # the SDK wants one; the gateway passes it on to the upstream and does not read it
        default_headers={"X-Source-Agent": options.agent},
        max_retries=0,
    )
    try:
        ask(client, options.text, stream=options.stream)
    except openai.APIStatusError as refusal:
        # The gateway's error has the shape that the SDK knows: the code says why, the request ID finds it in the log.
        print(f"{refusal.status_code} {refusal.code}: {refusal.message}", file=sys.stderr)
        return 1
    except openai.APIConnectionError as error:
        print(f"no gateway at {options.url}: {error.__cause__ or error}", file=sys.stderr)
        return 1
    return 0


def ask(client: openai.OpenAI, text: str, *, stream: bool) -> None:
    """Print the answer, whole or a few words at a time."""
    if not stream:
        completion = client.chat.completions.create(model="gpt-4", messages=[{"role": "user", "content": text}])
        print(completion.choices[0].message.content)
        return
    chunks = client.chat.completions.create(model="gpt-4", messages=[{"role": "user", "content": text}], stream=True)
    for chunk in chunks:
        if chunk.choices:
            print(chunk.choices[0].delta.content or "", end="", flush=True)
    print()


if __name__ == "__main__":
    sys.exit(main())
