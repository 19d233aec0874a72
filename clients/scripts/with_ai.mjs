// Vercel's AI SDK with its provider for OpenAI, on the Responses API as `openai('...')` gives it.
import { KEY, MODEL, serve } from "./common.mjs";
import { createOpenAI } from "@ai-sdk/openai";
import { embedMany, generateText, stepCountIs, streamText, tool as toolOf } from "ai";
import { z } from "zod";

const provider = (task) => createOpenAI({ baseURL: task.base, apiKey: KEY, headers: task.headers });
const model = (task) => provider(task)(MODEL);

async function ask(task) {
  return (await generateText({ model: model(task), prompt: task.text })).text;
}

async function stream(task) {
  const errors = [];
  const result = streamText({ model: model(task), prompt: task.text, onError: ({ error }) => errors.push(error) });
  let text = "";
  for await (const piece of result.textStream) text += piece;
  if (errors.length > 0) throw errors[0];
  const reason = await result.finishReason;
  return reason === "stop" ? text : `no exception; finishReason ${reason}: ${text}`;
}

async function loop(task, prepareStep) {
  const revenue = toolOf({
    description: "The revenue of a quarter.",
    inputSchema: z.object({ quarter: z.string() }),
    execute: async () => task.result,
  });
  const options = { model: model(task), prompt: task.text, tools: { revenue }, stopWhen: stepCountIs(3), prepareStep };
  return (await generateText(options)).text;
}

const tool = (task) => loop(task);

async function embed(task) {
  const embedding = provider(task).embedding(MODEL);
  return `${(await embedMany({ model: embedding, values: [task.text, task.text] })).embeddings.length} vectors`;
}

// The upstream keeping the conversation: each step sends what is new, and names the response before it.
const stateful = (task) =>
  loop(task, ({ steps, messages }) => {
    const before = steps.at(-1)?.response?.id;
    if (before === undefined) return {};
    return { messages: messages.slice(-1), providerOptions: { openai: { previousResponseId: before } } };
  });

await serve({ ask, stream, tool, stateful, embed });
