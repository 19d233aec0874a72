// What verdicts mean to the reader. A code that the gateway knows and this table does not is an error of the build.
import type { Refusal } from "./api";

export type Kind = "passed" | "fallback" | "refused" | "failed";

type Meaning = { kind: Kind; about: string };

const SERVED: Record<"forward" | "fallback" | "answered" | "client_left" | "unknown", Meaning> = {
  forward: { kind: "passed", about: "Went to the route's upstream." },
  fallback: { kind: "fallback", about: "Matched no route, and went to the fallback." },
  answered: { kind: "passed", about: "The gateway itself answered." },
  client_left: { kind: "failed", about: "The caller left before it was decided." },
  unknown: { kind: "failed", about: "The record does not say what was decided." },
};

const REFUSED: Record<Refusal, Meaning> = {
  bad_request: { kind: "refused", about: "It could not be read in one way only." },
  identity_malformed: { kind: "refused", about: "The name that the caller gave is malformed." },
  identity_conflict: { kind: "refused", about: "It proves one agent and names another." },
  no_text: { kind: "refused", about: "It had no text to route by, and named no route." },
  unknown_agent: { kind: "refused", about: "The caller named an agent that is not registered." },
  proof_required: { kind: "refused", about: "The agent has to prove who it is." },
  proof_expired: { kind: "refused", about: "What proves the agent has expired." },
  route_forbidden: { kind: "refused", about: "This agent may not use the route that it meant." },
  anonymous_forbidden: { kind: "refused", about: "The route that it meant is not for anonymous callers." },
  guard_refused: { kind: "refused", about: "A guard refuses what it asked for, on every route." },
  management_forbidden: { kind: "refused", about: "Management is for operators." },
  operator_required: { kind: "refused", about: "A command needs an operator's token." },
  operator_forbidden: { kind: "refused", about: "This operator's role gives no commands." },
  cross_site: { kind: "refused", about: "A page of another site asked." },
  configuration_refused: { kind: "refused", about: "The configuration cannot be taken over." },
  no_route: { kind: "refused", about: "No route matched, and there is no fallback." },
  not_found: { kind: "refused", about: "There is no such page." },
  method_not_allowed: { kind: "refused", about: "The method is not allowed." },
  request_timeout: { kind: "refused", about: "The request did not come in time." },
  ambiguous_route: { kind: "refused", about: "It, or a part of it, could mean another route as well." },
  body_too_large: { kind: "refused", about: "The body is over the limit." },
  text_too_long: { kind: "refused", about: "The text is longer than the model reads." },
  target_too_long: { kind: "refused", about: "The address is over the limit." },
  unsupported_encoding: { kind: "refused", about: "The body's encoding is not supported." },
  unsupported_media_type: { kind: "refused", about: "A guard applies, and cannot hear a body of this kind." },
  headers_too_large: { kind: "refused", about: "The headers are over the limit." },
  upgrade_unsupported: { kind: "refused", about: "It asked for a WebSocket, which the gateway does not speak." },
  overloaded: { kind: "refused", about: "Too much was waiting." },
  out_of_descriptors: { kind: "refused", about: "The gateway had no file descriptor left." },
  not_ready: { kind: "refused", about: "The gateway was not ready." },
  state_unavailable: { kind: "refused", about: "The state store could not answer." },
  draining: { kind: "refused", about: "The gateway was shutting down." },
  internal: { kind: "failed", about: "A fault inside the gateway." },
  upstream_unreachable: { kind: "failed", about: "The upstream could not be reached." },
  upstream_invalid: { kind: "failed", about: "The upstream's response was invalid." },
  redirect_refused: { kind: "failed", about: "The upstream redirected to where the gateway does not lead." },
  upstream_timeout: { kind: "failed", about: "The upstream did not answer in time." },
};

const MEANINGS = new Map<string, Meaning>(Object.entries({ ...SERVED, ...REFUSED }));

export const VERDICTS = [...MEANINGS.keys()];
export const KINDS: readonly Kind[] = ["passed", "fallback", "refused", "failed"];
export const KIND_NAMES: Record<Kind, string> = {
  passed: "Forwarded",
  fallback: "Fallback",
  refused: "Refused",
  failed: "Failed",
};

export function kindOf(verdict: string): Kind {
  return MEANINGS.get(verdict)?.kind ?? "refused";
}

export function aboutOf(verdict: string): string {
  return MEANINGS.get(verdict)?.about ?? "";
}
