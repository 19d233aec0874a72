// OpenAI's Agents SDK for Node: runs of an agent, on the Responses API as it is by default.
import { KEY, MODEL, serve } from "./common.mjs";
import { Agent, OpenAIProvider, Runner, setTracingDisabled, tool as toolOf } from "@openai/agents";
import OpenAI from "openai";
import { z } from "zod";

setTracingDisabled(true);

function runner(task) {
  const openAIClient = new OpenAI({ baseURL: task.base, apiKey: KEY, defaultHeaders: task.headers });
  return new Runner({ modelProvider: new OpenAIProvider({ openAIClient }), tracingDisabled: true });
}

const agent = (...tools) => new Agent({ name: "analyst", instructions: "Answer in one sentence.", model: MODEL, tools });

const withTool = (task) =>
  agent(
    toolOf({
      name: "revenue",
      description: "The revenue of a quarter.",
      parameters: z.object({ quarter: z.string() }),
      execute: async () => task.result,
    }),
  );

const ask = async (task) => (await runner(task).run(agent(), task.text)).finalOutput;

async function stream(task) {
  const result = await runner(task).run(agent(), task.text, { stream: true });
  let text = "";
  for await (const piece of result.toTextStream()) text += piece;
  await result.completed;
  return text;
}

const tool = async (task) => (await runner(task).run(withTool(task), task.text)).finalOutput;

// The upstream keeping the conversation, under an id that the user has made before.
const stateful = async (task) =>
  (await runner(task).run(withTool(task), task.text, { conversationId: "conv_1" })).finalOutput;

await serve({ ask, stream, tool, stateful });
