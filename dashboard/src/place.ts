// Where the reader is: the view and its filters, all of it in the address, so that whatever is seen can be linked.
import { computed, signal } from "@preact/signals";

export const VIEWS = ["overview", "mesh", "feed", "try", "routes", "agents", "audit", "configuration"] as const;
export type View = (typeof VIEWS)[number];
export type Filter = { agent?: string; route?: string; verdict?: string; text?: string };
export type Changes = Record<string, string | null>;

/** What goes along from view to view. */
const SHARED = ["agent", "route", "verdict", "text", "span"] as const;

const hash = signal(window.location.hash);
window.addEventListener("hashchange", () => {
  hash.value = window.location.hash;
});

export const place = computed(() => {
  const [path = "", query = ""] = hash.value.replace(/^#\/?/, "").split("?", 2);
  const view = VIEWS.find((each) => each === path) ?? "overview";
  return { view, given: new URLSearchParams(query) };
});

export const filter = computed<Filter>(() => {
  const found: Filter = {};
  for (const name of ["agent", "route", "verdict", "text"] as const) {
    const value = place.value.given.get(name);
    if (value) found[name] = value;
  }
  return found;
});

export const span = computed(() => place.value.given.get("span") ?? "15m");

/** The address of a view: the filters go along, with these changes. */
export function link(view: View, changes: Changes = {}): string {
  const { given, view: here } = place.value;
  const kept = new URLSearchParams();
  for (const name of SHARED) {
    const value = given.get(name);
    if (value) kept.set(name, value);
  }
  if (view === here) given.forEach((value, name) => kept.set(name, value));
  for (const [name, value] of Object.entries(changes)) {
    if (value) kept.set(name, value);
    else kept.delete(name);
  }
  const query = kept.toString();
  return `#/${view}${query ? `?${query}` : ""}`;
}

/** Change the address: as a step back can undo it, or while typing without such a step. */
export function change(changes: Changes, replace = false): void {
  const address = link(place.value.view, changes);
  if (replace) {
    history.replaceState(null, "", address);
    hash.value = address;
  } else {
    window.location.hash = address;
  }
}
