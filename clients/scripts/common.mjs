// What the scripts for Node have in common: tasks come in as lines of JSON, and what the client's user sees goes out as
// one. Importing this first closes the way out: names other than this machine's are not looked up, and are noted.
import dns from "node:dns";
import fs from "node:fs";
import readline from "node:readline";

export const MODEL = "gpt-4.1";
export const KEY = "sk-of-no-value";
// The arguments of the one tool.
export const SCHEMA = {
  type: "object",
  properties: { quarter: { type: "string" } },
  required: ["quarter"],
  additionalProperties: false,
};

const here = new Set(["localhost", "127.0.0.1", "::1"]);
const lookUp = dns.lookup;
let reached = [];

dns.lookup = (host, options, callback) => {
  if (here.has(host)) return lookUp(host, options, callback);
  reached.push(host);
  const done = callback ?? options;
  process.nextTick(() => done(Object.assign(new Error("the way out is closed here"), { code: "ENOTFOUND" })));
};

// The class, as users see it, and the message; of an error that only wraps another one, that one too.
function shown(error) {
  if (!(error instanceof Error)) return `thrown: ${JSON.stringify(error)}`;
  const name = error.name === "Error" ? error.constructor.name : error.name;
  const cause = error.cause instanceof Error ? ` (cause: ${error.cause.message})` : "";
  return `${name}: ${error.message}${cause}`;
}

async function play(action, task) {
  const started = performance.now();
  reached = [];
  let answered = true;
  let seen;
  try {
    seen = await action({ ...task, base: `${task.gateway}/v1` });
  } catch (error) {
    [answered, seen] = [false, shown(error)];
  }
  return { answered, seen, seconds: (performance.now() - started) / 1000, reached };
}

// Does the tasks on standard input, one after the other, until it ends. The first line out names the actions.
export async function serve(actions) {
  const tell = (line) => fs.writeSync(1, `${JSON.stringify(line)}\n`);
  // What libraries print goes to standard error.
  console.log = console.info = console.debug = console.error;
  // An error beside the one that a call throws ends no script.
  process.on("unhandledRejection", (error) => console.error("unhandled:", error));
  tell({ actions: Object.keys(actions) });
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const task = JSON.parse(line);
    tell(await play(actions[task.action], task));
  }
}
