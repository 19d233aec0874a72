// Anthropic's SDK for Node: messages, by hand.
import { KEY, SCHEMA, serve } from "./common.mjs";
import Anthropic from "@anthropic-ai/sdk";

const MODEL = "claude-of-no-version";
const client = (task) => new Anthropic({ baseURL: task.gateway, apiKey: KEY, defaultHeaders: task.headers });
const asking = (task) => [{ role: "user", content: task.text }];
// An answer that is no message comes as it is.
const textOf = (message) => message?.content?.map(({ text }) => text ?? "").join("") ?? String(message);

async function ask(task) {
  return textOf(await client(task).messages.create({ model: MODEL, max_tokens: 99, messages: asking(task) }));
}

async function stream(task) {
  const events = client(task).messages.stream({ model: MODEL, max_tokens: 99, messages: asking(task) });
  return textOf(await events.finalMessage());
}

async function tool(task) {
  const [anthropic, messages] = [client(task), asking(task)];
  const options = { model: MODEL, max_tokens: 99, tools: [{ name: "revenue", input_schema: SCHEMA }] };
  const said = await anthropic.messages.create({ ...options, messages });
  const calls = said.content.filter(({ type }) => type === "tool_use");
  const results = calls.map(({ id }) => ({ type: "tool_result", tool_use_id: id, content: task.result }));
  const turns = [{ role: "assistant", content: said.content }, { role: "user", content: results }];
  return textOf(await anthropic.messages.create({ ...options, messages: [...messages, ...turns] }));
}

async function models(task) {
  const names = [];
  for await (const model of client(task).models.list()) names.push(model.id);
  return names.join(", ");
}

await serve({ ask, stream, tool, models });
