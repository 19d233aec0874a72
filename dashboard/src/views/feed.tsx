// Decisions as they happen.
import { useEffect, useRef, useState } from "preact/hooks";
import { read, type Entry } from "../api";
import { useCatalogue } from "../catalogue";
import { Filters } from "../parts/filters";
import { Icon } from "../parts/icons";
import { Page } from "../parts/page";
import { Empty, Failed, Loading } from "../parts/states";
import { Verdict } from "../parts/verdict";
import { Why } from "../parts/why";
import { count, fine, milliseconds } from "../format";
import { filter, link, place } from "../place";
import { useResource } from "../resource";
import { keyOf, useStream, type Happening } from "../stream";
import { kindOf } from "../verdict";

const MOST = 500;
const AT_FIRST = 60;
/** How often the log is asked again where its index was behind when the stream began. */
const LATE = 2;

export function Feed() {
  const catalogue = useCatalogue();
  const shown = filter.value;
  const [paused, setPaused] = useState(false);
  const opened = place.value.given.get("request");
  const feed = useFeed(paused);
  const any = Object.keys(shown).length > 0;
  return (
    <Page
      title="Live feed"
      about="Every decision as it is made. Open one to see the whole of its why."
      tools={
        <>
          <button
            type="button"
            class={paused ? "button strong" : "button"}
            aria-pressed={paused}
            onClick={() => setPaused(!paused)}
          >
            <Icon sign={paused ? "play" : "pause"} />
            <span class="pause-word">
              {paused ? "Resume" : "Pause"}
              {paused && feed.waiting ? <b data-testid="waiting"> {count(feed.waiting)} new</b> : null}
            </span>
          </button>
          <Filters catalogue={catalogue.data} names={["agent", "route", "verdict", "text"]} />
        </>
      }
    >
      <div class={opened ? "feed with-why" : "feed"}>
        <div class="feed-rows">
          <div class="feed-head" aria-hidden="true">
            <span>Time</span>
            <span>Agent</span>
            <span>Text</span>
            <span>Route</span>
            <span>Verdict</span>
            <span>Took</span>
          </div>
          {feed.rows.length ? (
            <ol class="rows" aria-label="Decisions, the newest first">
              {feed.rows.map((entry) => (
                <Row key={keyOf(entry)} entry={entry} open={entry.request_id === opened} />
              ))}
            </ol>
          ) : feed.error ? (
            <Failed error={feed.error} />
          ) : feed.read ? (
            <Empty title={any ? "Nothing passes these filters yet" : "No agent has asked anything yet"}>
              {any
                ? "Whatever does will be here the moment that it is decided."
                : "The first request is here the moment that it is decided."}
            </Empty>
          ) : (
            <Loading what="the latest decisions" />
          )}
          {feed.skipped ? (
            <p class="muted feed-note">
              {count(feed.skipped)} records came faster than they could be shown; the <a href={link("audit")}>audit log</a>{" "}
              has them all.
            </p>
          ) : null}
          {feed.unreadable ? (
            <p class="muted feed-note">
              {count(feed.unreadable)} lines of the audit log cannot be read as records: <code>aimux audit verify</code> says
              what is wrong.
            </p>
          ) : null}
        </div>
        {opened ? <Why id={opened} seen={feed.rows.find((entry) => entry.request_id === opened) ?? null} /> : null}
      </div>
    </Page>
  );
}

type Rows = { rows: Entry[]; waiting: number; skipped: number; unreadable: number; read: boolean; error: Error | null };

/** The latest decisions: what there was at first, and what has come since; held back while paused. */
function useFeed(paused: boolean): Rows {
  const shown = filter.value;
  const key = JSON.stringify(shown);
  const [turn, setTurn] = useState(0);
  const kept = useRef({ key: "", rows: [] as Entry[], held: [] as Entry[], fresh: 0, skipped: 0, unreadable: 0, late: 0 });
  const [, draw] = useState(0);
  const due = useRef(0);
  const state = kept.current;
  if (state.key !== key) Object.assign(state, { key, rows: [], held: [], fresh: 0, skipped: 0, unreadable: 0 });

  const redraw = () => {
    // However many come at once, they are drawn once a frame.
    if (!due.current) {
      due.current = requestAnimationFrame(() => {
        due.current = 0;
        draw((n) => n + 1);
      });
    }
  };
  useEffect(() => () => cancelAnimationFrame(due.current), []);

  const earlier = useResource(`feed ${key} ${turn}`, (signal) => read("/audit", { ...shown, limit: AT_FIRST }, signal));
  useEffect(() => {
    if (earlier.data && !earlier.outdated) {
      const before = new Set(state.rows.map(keyOf));
      for (const entry of earlier.data.requests) if (!before.has(keyOf(entry))) state.rows.push(entry);
      state.rows.sort((a, b) => b.time.localeCompare(a.time));
      state.rows.length = Math.min(state.rows.length, MOST);
      redraw();
      if (earlier.data.behind && state.late > 0) {
        state.late -= 1;
        const timer = window.setTimeout(() => setTurn((n) => n + 1), 1000);
        return () => window.clearTimeout(timer);
      }
    }
    return undefined;
  }, [earlier.data]);

  useStream(
    shown,
    (happening: Happening) => {
      if (happening.kind === "skipped" || happening.kind === "unreadable") state[happening.kind] += happening.records;
      else take(state, happening.entry, paused);
      redraw();
    },
    // What happened while there was no stream is in the log.
    () => {
      state.late = LATE;
      setTurn((n) => n + 1);
    },
  );

  if (!paused && state.held.length) {
    for (const entry of state.held) put(state.rows, entry);
    state.held = [];
    state.fresh = 0;
  }
  return {
    rows: state.rows,
    waiting: state.fresh,
    skipped: state.skipped,
    unreadable: state.unreadable,
    read: earlier.data !== null && !earlier.outdated,
    error: earlier.error,
  };
}

function take(state: { rows: Entry[]; held: Entry[]; fresh: number }, entry: Entry, paused: boolean): void {
  const key = keyOf(entry);
  const at = state.rows.findIndex((row) => keyOf(row) === key);
  if (at >= 0) {
    state.rows[at] = entry; // how a request ends that is in sight belongs to it, paused or not
  } else if (paused) {
    if (!state.held.some((row) => keyOf(row) === key)) state.fresh += 1;
    put(state.held, entry);
  } else {
    put(state.rows, entry);
  }
}

function put(rows: Entry[], entry: Entry): void {
  const key = keyOf(entry);
  const at = rows.findIndex((row) => keyOf(row) === key);
  if (at >= 0) rows[at] = entry;
  else rows.unshift(entry);
  rows.length = Math.min(rows.length, MOST);
}

function Row({ entry, open }: { entry: Entry; open: boolean }) {
  return (
    <li class={`row ${kindOf(entry.verdict)}${open ? " open" : ""}`}>
      <a
        href={link("feed", { request: open ? null : entry.request_id })}
        aria-expanded={open}
        class="row-link"
      >
        <time class="row-time" dateTime={entry.time}>
          {fine(entry.time)}
        </time>
        <span class={entry.agent === null ? "row-agent nobody" : "row-agent"}>
          {entry.agent ?? (entry.identity === null ? "not identified" : "anonymous")}
        </span>
        <span class="row-text">{entry.text ?? ""}</span>
        <span class="row-route">{entry.route ?? "–"}</span>
        <Verdict verdict={entry.verdict} status={entry.status} />
        <span class="row-took">{entry.total_ms === null ? "…" : milliseconds(entry.total_ms)}</span>
      </a>
    </li>
  );
}
