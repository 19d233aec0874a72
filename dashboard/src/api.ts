// Reading from the gateway. Every path, parameter and answer is typed by the gateway's own description.
import type { components, paths } from "./api.gen";
import { heard, missed } from "./contact";
import { expired, locked, proof } from "./session";

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
    readonly problems: string[] = [],
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
  return (await asked(address(path, query), { signal: signal ?? null })) as Answers<P>;
}

/** Give a command; what the gateway says has changed. */
export async function reload(): Promise<Schemas["ReloadAnswer"]> {
  const headers = { "Content-Type": "application/json" };
  return (await asked("/admin/reload", { method: "POST", headers, body: "{}" })) as Schemas["ReloadAnswer"];
}

/** What is found may be more than a link can prove a right to: it is read here, and handed over as a file. */
export async function download(where: string, name: string): Promise<void> {
  const response = await fetch(where, { headers: proof(), cache: "no-store" });
  if (!response.ok) throw new Refused(response.status, "", `The gateway answered ${response.status}.`);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await response.blob());
  link.download = name;
  link.click();
  window.setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

async function asked(where: string, how: RequestInit): Promise<unknown> {
  const mine = proof();
  let response: Response;
  let body: unknown;
  try {
    response = await fetch(where, { ...how, headers: { ...how.headers, ...mine }, cache: "no-store" });
    body = await response.json();
  } catch (error) {
    if (how.signal?.aborted) throw error;
    missed();
    throw new Unreachable("The gateway does not answer.");
  }
  heard();
  if (response.ok) return body;
  const { error: refusal, problems } = body as Partial<Schemas["CommandRefusal"]>;
  const code = refusal?.code ?? "";
  // Of what was asked before somebody logged in or out nothing follows for now.
  if (mine.Authorization === proof().Authorization) judge(code, mine.Authorization !== undefined);
  const message = refusal?.message ?? `The gateway answered ${response.status}.`;
  throw new Refused(response.status, code, message, problems ?? []);
}

function judge(code: string, proved: boolean): void {
  if (code !== "management_forbidden" && code !== "operator_required") return;
  if (proved) expired();
  else locked.value = true;
}
