// Whether the gateway answers: since when it does not, and when it is asked again.
import { signal } from "@preact/signals";
import { proof } from "./session";

export type Readiness = { ready: boolean; draining: boolean; detail: string };

/** When the gateway was last heard of; 0: never. */
export const heardAt = signal(0);
/** Since when it does not answer; 0: it does. */
export const lostAt = signal(0);
export const nextTryAt = signal(0);
export const readiness = signal<Readiness | null>(null);
/** Goes up each time the gateway is back: whatever reads from it begins anew. */
export const epoch = signal(0);

const USUAL = 4000;
const WAITS = [500, 1000, 2000, 4000, 8000];
let failures = 0;
let timer = 0;

export function heard(): void {
  heardAt.value = Date.now();
  if (lostAt.value) {
    lostAt.value = 0;
    nextTryAt.value = 0;
    failures = 0;
    epoch.value += 1;
  }
}

export function missed(): void {
  if (lostAt.value) return;
  lostAt.value = heardAt.value || Date.now();
  failures = 0;
  schedule(WAITS[0] ?? USUAL);
}

/** Ask whether it is ready, now and from now on. */
export async function watch(): Promise<void> {
  window.clearTimeout(timer);
  try {
    const response = await fetch("/readyz", { headers: proof(), cache: "no-store", signal: AbortSignal.timeout(5000) });
    const body = (await response.json()) as { status?: string; detail?: string };
    readiness.value = { ready: response.ok, draining: body.status === "draining", detail: body.detail ?? "" };
    heard();
    schedule(USUAL);
  } catch {
    missed();
    const wait = WAITS[Math.min(failures, WAITS.length - 1)] ?? USUAL;
    failures += 1;
    schedule(wait);
  }
}

function schedule(wait: number): void {
  window.clearTimeout(timer);
  nextTryAt.value = lostAt.value ? Date.now() + wait : 0;
  timer = window.setTimeout(() => void watch(), wait);
}

window.addEventListener("online", () => void watch());
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) void watch();
});
