// Server-sent events, read by fetch: the browser's own reader of them sends no headers, and so cannot prove an operator.
export type Event = { kind: string; data: string };

/** The whole events of a text, and what is left of it. */
export function parsed(text: string): { events: Event[]; rest: string } {
  const blocks = text.split("\n\n");
  const rest = blocks.pop() ?? "";
  const events: Event[] = [];
  for (const block of blocks) {
    let kind = "message";
    const data: string[] = [];
    for (const line of block.split("\n")) {
      const colon = line.indexOf(":");
      const name = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
      if (name === "event") kind = value;
      if (name === "data") data.push(value);
    }
    if (data.length) events.push({ kind, data: data.join("\n") });
  }
  return { events, rest };
}

/** Tell of each event of a response, until it ends. The gateway ends lines with a line feed. */
export async function follow(response: Response, tell: (event: Event) => void): Promise<void> {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const piece = await reader?.read();
    if (!piece || piece.done) return;
    const { events, rest } = parsed(text + piece.value);
    text = rest;
    events.forEach(tell);
  }
}
