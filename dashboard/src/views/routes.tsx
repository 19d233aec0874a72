// Where requests can go: who may use each route, what leads to it, and how close routes are to each other.
import { useRef, useState } from "preact/hooks";
import { read, type Schemas, type Stats } from "../api";
import { FALLBACK, useCatalogue } from "../catalogue";
import { SpanChoice, spanName } from "../parts/filters";
import { Page, Panel } from "../parts/page";
import { Empty, Shown } from "../parts/states";
import { Traffic } from "../parts/traffic";
import { score } from "../format";
import { link, span } from "../place";
import { useResource } from "../resource";

const ACCESS: Record<Schemas["RouteEntry"]["access"], string> = {
  open: "everybody, anonymous callers too",
  public: "any registered agent",
  restricted: "only",
};

export function Routes() {
  const catalogue = useCatalogue();
  const stats = useResource(
    `traffic ${span.value}`,
    (signal) => read("/audit/stats", { since: span.value, steps: 1 }, signal),
    5000,
  );
  const overlaps = useResource("overlaps", (signal) => read("/dashboard/api/overlaps", {}, signal), 15_000);
  return (
    <Page
      title="Routes"
      about="Where requests can go, what they must mean to get there, and who may send them."
      tools={<SpanChoice />}
    >
      <Shown resource={catalogue} what="the routes">
        {({ routes, agents }) => (
          <div class="cards">
            {routes.routes.map((route) => (
              <RouteCard key={route.name} name={route.name} route={route} groups={agents.groups} stats={stats.data} />
            ))}
            {routes.fallback ? <RouteCard name={FALLBACK} route={routes.fallback} groups={agents.groups} stats={stats.data} /> : null}
          </div>
        )}
      </Shown>
      <Panel title="How close routes are" note="by their two most similar intents">
        <Shown resource={overlaps} what="the similarities">
          {(data) =>
            data.routes.length > 1 ? (
              <Heat data={data} />
            ) : (
              <Empty title="Nothing to compare">Fewer than two routes have intents.</Empty>
            )
          }
        </Shown>
      </Panel>
    </Page>
  );
}

type Entry = Schemas["FallbackEntry"] & Partial<Schemas["RouteEntry"]>;

type Groups = Schemas["GroupEntry"][];

/** What leads to a route without intents. */
function bare(name: string, route: Entry): string {
  if (name === FALLBACK) return "Takes what matches no route.";
  return route.prefix ? "Reached by its name and its prefix only." : "Reached by its name only.";
}

function RouteCard({ name, route, groups, stats }: { name: string; route: Entry; groups: Groups; stats: Stats | null }) {
  const intents = route.intents ?? [];
  return (
    <article class="card">
      <header>
        <h2>
          <a href={link("mesh", { route: name })}>{name}</a>
        </h2>
        <span class={`chip access-${route.access}`}>{route.access}</span>
      </header>
      <p class="card-line">
        <code>{route.upstream}</code>
      </p>
      <p class="card-line">
        For {ACCESS[route.access]}
        {route.access === "restricted" ? <Allowed entries={route.allowed} groups={groups} /> : null}
      </p>
      {route.prefix ? (
        <p class="card-line">
          Below <code>{route.prefix}</code>
        </p>
      ) : null}
      <Traffic links={stats?.links.filter((each) => each.route === name) ?? null} within={spanName(span.value)} to={{ route: name }} />
      {intents.length ? (
        <details>
          <summary>
            {intents.length} {intents.length === 1 ? "intent" : "intents"}, from a score of {route.min_score?.toFixed(2)}
          </summary>
          <ul class="intents">
            {intents.map((intent) => (
              <li key={intent}>{intent}</li>
            ))}
          </ul>
        </details>
      ) : (
        <p class="muted card-line">{bare(name, route)}</p>
      )}
    </article>
  );
}

/** Names, and groups as they are configured, each with its members. */
function Allowed({ entries, groups }: { entries: string[]; groups: Groups }) {
  if (!entries.length) return <> nobody</>;
  const told = entries.map((entry) => {
    const group = groups.find((each) => entry === `group:${each.name}`);
    return group ? `${entry} (${group.members.length ? group.members.join(", ") : "empty"})` : entry;
  });
  return <> {told.join(", ")}</>;
}

type Pair = Schemas["Overlap"];

/** One cell a pair of routes. The arrow keys go from cell to cell. */
function Heat({ data }: { data: Schemas["Overlaps"] }) {
  const pairs = new Map<string, Pair>();
  for (const pair of data.pairs) {
    pairs.set(JSON.stringify([pair.first, pair.second]), pair);
    pairs.set(JSON.stringify([pair.second, pair.first]), pair);
  }
  const closest = [...data.pairs].sort((a, b) => b.similarity - a.similarity)[0];
  const [chosen, setChosen] = useState<[number, number] | null>(null);
  const table = useRef<HTMLTableElement>(null);
  const at: [number, number] = chosen ?? [
    Math.max(0, data.routes.indexOf(closest?.second ?? "")),
    Math.max(0, data.routes.indexOf(closest?.first ?? "")),
  ];
  const pairAt = ([row, column]: [number, number]) => pairs.get(JSON.stringify([data.routes[row], data.routes[column]]));
  const move = (event: KeyboardEvent) => {
    const steps: Record<string, [number, number]> = {
      ArrowUp: [-1, 0],
      ArrowDown: [1, 0],
      ArrowLeft: [0, -1],
      ArrowRight: [0, 1],
    };
    const step = steps[event.key];
    if (!step) return;
    event.preventDefault();
    const last = data.routes.length - 1;
    const next: [number, number] = [
      Math.min(last, Math.max(0, at[0] + step[0])),
      Math.min(last, Math.max(0, at[1] + step[1])),
    ];
    setChosen(next);
    table.current?.querySelector<HTMLElement>(`[data-cell="${next[0]}-${next[1]}"]`)?.focus();
  };
  const shown = pairAt(at);
  return (
    <div class="heat">
      <div class="scroll">
        <table ref={table} class={data.routes.length > 12 ? "heat-map dense" : "heat-map"} onKeyDown={move}>
          <caption class="unseen">Similarity between the intents of each two routes, from 0 to 1</caption>
          <thead>
            <tr>
              <td />
              {data.routes.map((name) => (
                <th key={name} scope="col">
                  <span>{name}</span>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {data.routes.map((name, row) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                {data.routes.map((other, column) => {
                  const pair = pairAt([row, column]);
                  const here = at[0] === row && at[1] === column;
                  const tight = pair !== undefined && pair.lead < data.ambiguity_threshold;
                  return (
                    <td key={other}>
                      <button
                        type="button"
                        data-cell={`${row}-${column}`}
                        tabIndex={here ? 0 : -1}
                        class={`cell${pair ? "" : " self"}${tight ? " tight" : ""}${here ? " here" : ""}${pair && pair.similarity >= 0.62 ? " hot" : ""}`}
                        style={{ "--heat": `${Math.round(100 * heat(pair?.similarity ?? 0))}%` }}
                        aria-label={pair ? `${name} and ${other}: ${pair.similarity.toFixed(2)}` : `${name} itself`}
                        onMouseEnter={() => setChosen([row, column])}
                        onFocus={() => setChosen([row, column])}
                        onClick={() => setChosen([row, column])}
                      >
                        {pair ? pair.similarity.toFixed(2).replace(/^0/, "") : ""}
                      </button>
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <div class="heat-words" aria-live="polite">
        {shown ? (
          <>
            <h3>
              {shown.first} and {shown.second}
            </h3>
            <p class="heat-pair">
              <q>{shown.first_intent}</q>
              <q>{shown.second_intent}</q>
            </p>
            <p class="fact">
              <span class="fact-name">Similarity</span>
              <span class="fact-value">{score(shown.similarity)}</span>
            </p>
            <p class="fact">
              <span class="fact-name">Smallest lead</span>
              <span class="fact-value">
                {score(shown.lead)} where {score(data.ambiguity_threshold)} is needed
              </span>
            </p>
            <p class={shown.lead < data.ambiguity_threshold ? "tone-refused" : "muted"}>
              {shown.lead < data.ambiguity_threshold
                ? "An intent of one, said in slightly other words, would be refused as ambiguous or go to the other: make their intents more distinct."
                : "Each intent finds its own route, in slightly other words too. The closer two routes are, the more of what is said between them is refused with 409."}
            </p>
          </>
        ) : (
          <p class="muted">A route beside itself says nothing. Choose a cell off the diagonal.</p>
        )}
        {data.omitted ? (
          <p class="muted">{data.omitted} more routes are not compared: the first {data.routes.length} are.</p>
        ) : null}
      </div>
    </div>
  );
}

function heat(similarity: number): number {
  return Math.max(0, Math.min(1, (similarity - 0.05) / 0.8));
}
