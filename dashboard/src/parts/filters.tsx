// The filters that several views share. They live in the address.
import { useEffect, useRef, useState } from "preact/hooks";
import { ANONYMOUS, FALLBACK, NO_ROUTE, UNIDENTIFIED, type Catalogue } from "../catalogue";
import { change, filter, span } from "../place";
import { VERDICTS } from "../verdict";

type Name = "agent" | "route" | "verdict" | "text";

const SPANS: ReadonlyArray<readonly [string, string]> = [
  ["5m", "5 min"],
  ["15m", "15 min"],
  ["1h", "1 h"],
  ["6h", "6 h"],
  ["24h", "24 h"],
  ["7d", "7 d"],
];

export function spanName(value: string): string {
  return SPANS.find(([known]) => known === value)?.[1] ?? value;
}

export function SpanChoice() {
  return (
    <div class="segments" role="group" aria-label="Span of time">
      {SPANS.map(([value, name]) => (
        <button
          key={value}
          type="button"
          aria-pressed={span.value === value}
          onClick={() => change({ span: value })}
        >
          {name}
        </button>
      ))}
    </div>
  );
}

export function Filters({ catalogue, names }: { catalogue: Catalogue | null; names: readonly Name[] }) {
  const given = filter.value;
  const agents = [ANONYMOUS, UNIDENTIFIED, ...(catalogue?.agents.agents.map((agent) => agent.name) ?? [])];
  const routes = [...(catalogue?.routes.routes.map((route) => route.name) ?? []), FALLBACK, NO_ROUTE];
  const any = names.some((name) => given[name]);
  return (
    <div class="filters" role="search" aria-label="Filters">
      {names.includes("agent") ? <Choice name="agent" of={agents} all="All agents" /> : null}
      {names.includes("route") ? <Choice name="route" of={routes} all="All routes" /> : null}
      {names.includes("verdict") ? <Choice name="verdict" of={["refused", ...VERDICTS]} all="All verdicts" /> : null}
      {names.includes("text") ? <TextFilter /> : null}
      <button
        type="button"
        class="button quiet"
        disabled={!any}
        onClick={() => change(Object.fromEntries(names.map((name) => [name, null])))}
      >
        Clear
      </button>
    </div>
  );
}

function Choice({ name, of, all }: { name: Exclude<Name, "text">; of: string[]; all: string }) {
  const value = filter.value[name] ?? "";
  // What the address asks for may be gone from the configuration: it is offered all the same.
  const offered = value && !of.includes(value) ? [value, ...of] : of;
  return (
    <label class={value ? "choice set" : "choice"}>
      <span class="unseen">{name}</span>
      <select value={value} onChange={(event) => change({ [name]: event.currentTarget.value || null })}>
        <option value="">{all}</option>
        {offered.map((each) => (
          <option key={each} value={each}>
            {each}
          </option>
        ))}
      </select>
    </label>
  );
}

function TextFilter() {
  const [typed, setTyped] = useState(filter.value.text ?? "");
  const timer = useRef(0);
  const sent = filter.value.text ?? "";
  useEffect(() => setTyped(sent), [sent]);
  return (
    <label class={sent ? "choice set" : "choice"}>
      <span class="unseen">text</span>
      <input
        type="search"
        placeholder="Text contains"
        value={typed}
        onInput={(event) => {
          const value = event.currentTarget.value;
          setTyped(value);
          window.clearTimeout(timer.current);
          timer.current = window.setTimeout(() => change({ text: value || null }, true), 250);
        }}
      />
    </label>
  );
}
