// The frame around every view: where one is, where one can go, and whether what is shown is true still.
import { useEffect, useState } from "preact/hooks";
import { heardAt, lostAt, nextTryAt, readiness } from "./contact";
import { ago, clock } from "./format";
import { Icon } from "./parts/icons";
import { Locked, SessionBar } from "./parts/session";
import { link, place, type View } from "./place";
import { locked } from "./session";
import { choice, choose, type Choice } from "./theme";
import { Agents } from "./views/agents";
import { Audit } from "./views/audit";
import { Configuration } from "./views/configuration";
import { Feed } from "./views/feed";
import { Mesh } from "./views/mesh";
import { Overview } from "./views/overview";
import { Routes } from "./views/routes";
import { Try } from "./views/try";

const SHOWN: Record<View, { name: string; view: () => preact.JSX.Element }> = {
  overview: { name: "Overview", view: Overview },
  mesh: { name: "Mesh", view: Mesh },
  feed: { name: "Live feed", view: Feed },
  try: { name: "Try it", view: Try },
  routes: { name: "Routes", view: Routes },
  agents: { name: "Agents", view: Agents },
  audit: { name: "Audit", view: Audit },
  configuration: { name: "Configuration", view: Configuration },
};

export function App() {
  const here = place.value.view;
  const { name, view: Shown } = SHOWN[here];
  useEffect(() => {
    document.title = `${name} · AIMux`;
    window.scrollTo(0, 0);
    document.querySelector("nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [here]);
  return (
    <div class="frame">
      <a class="skip" href="#main" onClick={skip}>
        Skip to the content
      </a>
      <aside class="side">
        <a class="brand" href={link("overview")}>
          <Mark />
          <span>AIMux</span>
        </a>
        <nav aria-label="Views">
          <ul>
            {(Object.entries(SHOWN) as [View, { name: string }][]).map(([view, each]) => (
              <li key={view}>
                <a href={link(view)} aria-current={view === here ? "page" : undefined}>
                  {each.name}
                </a>
              </li>
            ))}
          </ul>
        </nav>
        <div class="side-foot">
          <Pulse />
          <ThemeChoice />
        </div>
      </aside>
      <div class="content">
        <Banner />
        <SessionBar />
        <main id="main" tabIndex={-1}>
          {locked.value ? <Locked /> : <Shown key={here} />}
        </main>
      </div>
    </div>
  );
}

/** The address of this page is its state: skipping must not change it. */
function skip(event: MouseEvent): void {
  event.preventDefault();
  document.getElementById("main")?.focus();
}

function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="7" />
      <path d="M6 10h5c6 0 5 12 11 12h4M6 22h5c2.600 0 3.800-2 4.600-4.200" />
      <path class="mark-stop" d="M21 7v7" />
    </svg>
  );
}

function useNow(running: boolean): number {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    if (!running) return;
    setNow(Date.now());
    const timer = window.setInterval(() => setNow(Date.now()), 1000);
    return () => window.clearInterval(timer);
  }, [running]);
  return now;
}

function Pulse() {
  const lost = lostAt.value !== 0;
  const ready = readiness.value;
  const [tone, word] = lost
    ? ["refused", "Disconnected"]
    : ready === null
      ? ["idle", "Connecting"]
      : ready.ready
        ? ["good", "Connected"]
        : ["failed", ready.draining ? "Shutting down" : "Not ready"];
  return (
    <p class={`pulse ${tone}`} title={heardAt.value ? `Last heard of at ${clock(heardAt.value)}` : undefined}>
      <span class="dot" aria-hidden="true" />
      <span>{word}</span>
    </p>
  );
}

/** Says when what is in sight may not be true any more, and since when. */
function Banner() {
  const lost = lostAt.value;
  const now = useNow(lost !== 0);
  const ready = readiness.value;
  return (
    <div class="banners" aria-live="assertive">
      {lost ? (
        <p class="banner refused" data-testid="disconnected">
          <b>Disconnected.</b>{" "}
          {heardAt.value
            ? `The gateway does not answer. What you see is as of ${clock(lost)}, ${ago(lost, now)} ago.`
            : "The gateway does not answer."}{" "}
          {nextTryAt.value > now ? `Trying again in ${Math.ceil((nextTryAt.value - now) / 1000)} s.` : "Trying again."}
        </p>
      ) : ready && !ready.ready ? (
        <p class="banner failed" data-testid="not-ready">
          <b>{ready.draining ? "Shutting down." : "Not ready."}</b> Agents are refused: {ready.detail}.
        </p>
      ) : null}
    </div>
  );
}

const THEMES: ReadonlyArray<readonly [Choice, string, "system" | "sun" | "moon"]> = [
  ["system", "As the system", "system"],
  ["light", "Light", "sun"],
  ["dark", "Dark", "moon"],
];

function ThemeChoice() {
  return (
    <div class="segments icons" role="group" aria-label="Theme">
      {THEMES.map(([value, name, sign]) => (
        <button
          key={value}
          type="button"
          aria-label={name}
          title={name}
          aria-pressed={choice.value === value}
          onClick={() => choose(value)}
        >
          <Icon sign={sign} />
        </button>
      ))}
    </div>
  );
}
