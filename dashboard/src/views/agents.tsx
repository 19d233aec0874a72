// Who calls: what each may reach, what it did reach, and what it was refused.
import { read, type Schemas, type Stats } from "../api";
import { ANONYMOUS, FALLBACK, UNIDENTIFIED, useCatalogue, type Catalogue } from "../catalogue";
import { SpanChoice, spanName } from "../parts/filters";
import { Page } from "../parts/page";
import { Shown } from "../parts/states";
import { Traffic } from "../parts/traffic";
import { count } from "../format";
import { link, span } from "../place";
import { useResource } from "../resource";
import { kindOf } from "../verdict";

export function Agents() {
  const catalogue = useCatalogue();
  const stats = useResource(
    `traffic ${span.value}`,
    (signal) => read("/audit/stats", { since: span.value, steps: 1 }, signal),
    5000,
  );
  return (
    <Page
      title="Agents"
      about="Who calls: what each may reach, what it did reach, and what it was refused. Names are claims, not proofs."
      tools={<SpanChoice />}
    >
      <Shown resource={catalogue} what="the agents">
        {(data) => (
          <div class="cards">
            {callers(data, stats.data).map((caller) => (
              <AgentCard key={caller.name} caller={caller} stats={stats.data} />
            ))}
          </div>
        )}
      </Shown>
    </Page>
  );
}

type Caller = { name: string; kind: string; groups: string[]; may: string[] };

function callers({ agents, routes }: Catalogue, stats: Stats | null): Caller[] {
  const fallback = (agent: Schemas["AgentEntry"] | null) => {
    const to = routes.fallback;
    if (!to) return [];
    const listed = (names: string[]) => names.some((name) => to.allowed.includes(name));
    const may =
      to.access === "open" ||
      (agent !== null && (to.access === "public" || listed([agent.name, ...agent.groups.map((name) => `group:${name}`)])));
    return may ? [FALLBACK] : [];
  };
  const open = routes.routes.filter((route) => route.access === "open").map((route) => route.name);
  const registered = agents.agents.map((agent) => ({
    name: agent.name,
    kind: "registered",
    groups: agent.groups,
    may: [...agent.routes, ...fallback(agent)],
  }));
  const known = new Set([...registered.map((agent) => agent.name), ANONYMOUS, UNIDENTIFIED]);
  const gone = [...new Set(stats?.links.map((each) => each.agent) ?? [])].filter((name) => !known.has(name));
  return [
    ...registered,
    ...gone.map((name) => ({ name, kind: "no longer registered", groups: [], may: [] })),
    { name: ANONYMOUS, kind: "gave no name", groups: [], may: [...open, ...fallback(null)] },
    { name: UNIDENTIFIED, kind: "identity refused", groups: [], may: [] },
  ];
}

function AgentCard({ caller, stats }: { caller: Caller; stats: Stats | null }) {
  const own = stats?.links.filter((each) => each.agent === caller.name) ?? null;
  const reached = new Map<string, number>();
  const refused = new Map<string, { route: string; verdict: string; requests: number }>();
  for (const each of own ?? []) {
    if (kindOf(each.verdict) === "refused") {
      const key = JSON.stringify([each.route, each.verdict]);
      refused.set(key, { ...each, requests: (refused.get(key)?.requests ?? 0) + each.requests });
    } else {
      reached.set(each.route, (reached.get(each.route) ?? 0) + each.requests);
    }
  }
  const unused = caller.may.filter((route) => !reached.has(route));
  return (
    <article class="card">
      <header>
        <h2>
          <a href={link("mesh", { agent: caller.name })}>{caller.name}</a>
        </h2>
        <span class="chip">{caller.kind}</span>
      </header>
      <Traffic links={own} within={spanName(span.value)} to={{ agent: caller.name }} />
      <dl class="reach">
        {caller.groups.length ? (
          <>
            <dt>In groups</dt>
            <dd>
              {caller.groups.map((group) => (
                <span key={group} class="chip">
                  {group}
                </span>
              ))}
            </dd>
          </>
        ) : null}
        <dt>Reached</dt>
        <dd>
          {reached.size
            ? [...reached].map(([route, requests]) => (
                <a key={route} class="chip reached" href={link("feed", { agent: caller.name, route })}>
                  {route} <b>{count(requests)}</b>
                </a>
              ))
            : "nothing"}
        </dd>
        <dt>Could reach</dt>
        <dd>
          {unused.length
            ? unused.map((route) => (
                <span key={route} class="chip">
                  {route}
                </span>
              ))
            : caller.may.length
              ? "nothing else"
              : "nothing"}
        </dd>
        <dt>Refused</dt>
        <dd>
          {refused.size
            ? [...refused.values()].map((each) => (
                <a
                  key={each.route + each.verdict}
                  class="chip refusal"
                  href={link("feed", { agent: caller.name, route: each.route, verdict: each.verdict })}
                >
                  {each.route === "(none)" ? "" : `${each.route} `}
                  {each.verdict} <b>{count(each.requests)}</b>
                </a>
              ))
            : "never"}
        </dd>
      </dl>
    </article>
  );
}
