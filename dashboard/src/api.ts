// Reading from the gateway. Every path, parameter and answer is typed by the gateway's own description.
import type { components, paths } from "./api.gen";
import { heard, missed } from "./contact";

export type Schemas = components["schemas"];
export type Entry = Schemas["AuditEntry"];
export type Stats = Schemas["AuditStats"];
export type Status = Schemas["AuditStatus"];
export type Refusal = Schemas["RefusalDetail"]["code"];

type Answers<P extends keyof paths> = paths[P] extends {
  get: { responses: { 200: { content: { "application/json": infer T } } } };
}
  ? T
  : never;
type Query<P extends keyof paths> = paths[P] extends { get: { parameters: { query?: infer Q } } }
  ? [NonNullable<Q>] extends [never]
    ? Record<string, never>
    : NonNullable<Q>
  : never;
export type JsonPath = { [P in keyof paths]: Answers<P> extends never ? never : P }[keyof paths];

/** The gateway answered, and refused. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

/** Nothing came back. */
export class Unreachable extends Error {}

export function address<P extends keyof paths>(path: P, query: Partial<Query<P>> = {}): string {
  const given = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== "") given.set(name, String(value));
  }
  const text = given.toString();
  return text ? `${path}?${text}` : path;
}

export async function read<P extends JsonPath>(
  path: P,
  query: Partial<Query<P>> = {},
  signal?: AbortSignal,
): Promise<Answers<P>> {
  let response: Response;
  let body: unknown;
  try {
    response = await fetch(address(path, query), { signal: signal ?? null, cache: "no-store" });
    body = await response.json();
  } catch (error) {
    if (signal?.aborted) throw error;
    missed();
    throw new Unreachable("The gateway does not answer.");
  }
  heard();
  if (response.ok) return body as Answers<P>;
  const refusal = (body as Partial<Schemas["RefusalBody"]>).error;
  throw new Refused(response.status, refusal?.code ?? "", refusal?.message ?? `The gateway answered ${response.status}.`);
}
