// Who is logged in. The token lives in a variable of this tab alone: nothing stores it, and reading the page again forgets it.
import { signal } from "@preact/signals";
import type { Schemas } from "./api";

export type Session = Schemas["Session"];

let token = "";

/** The operator who is logged in; null: nobody is. */
export const session = signal<Session | null>(null);
/** Whether the gateway refuses what this page reads until somebody has logged in. */
export const locked = signal(false);
/** What came of the last try, for whoever cannot see that something has changed. */
export const notice = signal<{ good: boolean; text: string } | null>(null);
/** Goes up with each log-in and log-out: whatever reads from the gateway begins anew. */
export const turn = signal(0);

/** The headers by which a request proves its operator. */
export function proof(): Record<string, string> {
  return token ? { Authorization: `Bearer ${token}` } : {};
}

/** Ask the gateway who this is, and remember both where it knows. */
export async function logIn(given: string): Promise<void> {
  // A header carries no other characters, and what cannot be sent is no token.
  if (!/^[!-~]+$/.test(given)) {
    notice.value = { good: false, text: "That is no token: it is one word of letters, digits and signs." };
    return;
  }
  try {
    const headers = { Authorization: `Bearer ${given}` };
    const response = await fetch("/admin/session", { headers, cache: "no-store", signal: AbortSignal.timeout(10_000) });
    const body = (await response.json()) as Session & Partial<Schemas["RefusalBody"]>;
    if (!response.ok) {
      notice.value = { good: false, text: refusalOf(response.status, body.error?.message) };
      return;
    }
    token = given;
    session.value = body;
    begin({ good: true, text: `Logged in as ${body.name}.` });
  } catch {
    notice.value = { good: false, text: "The gateway did not say who that is. Try again." };
  }
}

function refusalOf(status: number, message: string | undefined): string {
  if (status === 401) return "No operator of this gateway has this token.";
  return message ?? `The gateway answered ${status}.`;
}

export function logOut(): void {
  end({ good: true, text: "Logged out." });
}

/** The gateway does not take the token any more. */
export function expired(): void {
  if (token) end({ good: false, text: "The gateway does not take this token any more. Log in again." });
}

function end(said: { good: boolean; text: string }): void {
  token = "";
  session.value = null;
  begin(said);
}

function begin(said: { good: boolean; text: string }): void {
  notice.value = said;
  locked.value = false;
  turn.value += 1;
}
