// openai for Node: chat completions and Responses, by hand.
import { KEY, MODEL, SCHEMA, serve } from "./common.mjs";
import OpenAI from "openai";

const client = (task) => new OpenAI({ baseURL: task.base, apiKey: KEY, defaultHeaders: task.headers });
const asking = (task) => [{ role: "user", content: task.text }];

async function ask(task) {
  const answer = await client(task).chat.completions.create({ model: MODEL, messages: asking(task) });
  return typeof answer === "string" ? answer : answer.choices[0].message.content;
}

async function stream(task) {
  const chunks = await client(task).chat.completions.create({ model: MODEL, messages: asking(task), stream: true });
  let text = "";
  for await (const chunk of chunks) text += chunk.choices[0]?.delta.content ?? "";
  return text;
}

async function tool(task) {
  const [openai, messages] = [client(task), asking(task)];
  const tools = [{ type: "function", function: { name: "revenue", parameters: SCHEMA } }];
  const said = (await openai.chat.completions.create({ model: MODEL, messages, tools })).choices[0].message;
  const results = said.tool_calls.map(({ id }) => ({ role: "tool", tool_call_id: id, content: task.result }));
  const whole = [...messages, said, ...results];
  return (await openai.chat.completions.create({ model: MODEL, messages: whole, tools })).choices[0].message.content;
}

async function stateful(task) {
  const openai = client(task);
  const tools = [{ type: "function", name: "revenue", parameters: SCHEMA, strict: true }];
  const first = await openai.responses.create({ model: MODEL, input: task.text, tools });
  const calls = first.output.filter(({ type }) => type === "function_call");
  const input = calls.map(({ call_id }) => ({ type: "function_call_output", call_id, output: task.result }));
  return (await openai.responses.create({ model: MODEL, input, tools, previous_response_id: first.id })).output_text;
}

async function embed(task) {
  const answer = await client(task).embeddings.create({ model: MODEL, input: [task.text, task.text] });
  return `${answer.data.length} vectors`;
}

async function models(task) {
  const names = [];
  for await (const model of client(task).models.list()) names.push(model.id);
  return names.join(", ");
}

await serve({ ask, stream, tool, stateful, embed, models });
