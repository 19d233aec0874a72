// Light or dark: as the system says, or as the reader chose.
import { signal } from "@preact/signals";

export type Choice = "system" | "light" | "dark";

const KEPT = "aimux-theme";
const system = window.matchMedia("(prefers-color-scheme: dark)");

function kept(): Choice {
  try {
    const found = localStorage.getItem(KEPT);
    return found === "light" || found === "dark" ? found : "system";
  } catch {
    return "system";
  }
}

export const choice = signal<Choice>(kept());
/** The theme in sight. Whatever is drawn and not styled is drawn again when it changes. */
export const theme = signal<"light" | "dark">("light");

function apply(): void {
  const dark = choice.value === "dark" || (choice.value === "system" && system.matches);
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  theme.value = dark ? "dark" : "light";
}

export function choose(next: Choice): void {
  choice.value = next;
  try {
    if (next === "system") localStorage.removeItem(KEPT);
    else localStorage.setItem(KEPT, next);
  } catch {
    // Not kept, then: it holds for as long as the page is open.
  }
  apply();
}

system.addEventListener("change", apply);
apply();

/** A colour of the theme in sight. */
export function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

export const stillness = window.matchMedia("(prefers-reduced-motion: reduce)");
