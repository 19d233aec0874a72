// The mesh: who asks for what, how much of it, and what does not get through.
import { read, type Stats } from "../api";
import { useCatalogue } from "../catalogue";
import { Filters, SpanChoice, spanName } from "../parts/filters";
import { Page, Panel } from "../parts/page";
import { Picture } from "../parts/picture";
import { Shown } from "../parts/states";
import { Verdict } from "../parts/verdict";
import { count, share } from "../format";
import { change, filter, link, span } from "../place";
import { useResource } from "../resource";
import { KIND_NAMES, KINDS } from "../verdict";

export function Mesh() {
  const catalogue = useCatalogue();
  const stats = useResource(
    `mesh ${span.value}`,
    (signal) => read("/audit/stats", { since: span.value, steps: 1 }, signal),
    3000,
  );
  return (
    <Page
      title="Mesh"
      about="Agents ask on the left, routes answer on the right. What policy refuses ends at the barrier."
      tools={
        <>
          <SpanChoice />
          <Filters catalogue={catalogue.data} names={["agent", "route"]} />
        </>
      }
    >
      <Shown resource={stats} what="the mesh">
        {(data) => (
          <>
            <Panel title="Traffic" note={<Key />}>
              <Picture links={data.links} catalogue={catalogue.data} />
            </Panel>
            <Table links={data.links} />
          </>
        )}
      </Shown>
    </Page>
  );
}

function Key() {
  return (
    <span class="key">
      {KINDS.map((kind) => (
        <span key={kind}>
          <i class={`key-swatch fill-${kind}`} /> {KIND_NAMES[kind].toLowerCase()}
        </span>
      ))}
    </span>
  );
}

/** The same in figures, for those who look for a number. */
function Table({ links }: { links: Stats["links"] }) {
  const { agent, route } = filter.value;
  const shown = links
    .filter((each) => (!agent || each.agent === agent) && (!route || each.route === route))
    .sort((a, b) => b.requests - a.requests);
  const total = shown.reduce((sum, each) => sum + each.requests, 0);
  if (!shown.length && !agent && !route) return null;
  return (
    <Panel
      title={agent || route ? "The chosen part" : "The same in figures"}
      note={
        agent || route ? (
          <span class="exports">
            <a href={link("feed")}>Live feed of it</a>
            <a href={link("audit")}>Audit of it</a>
            <button type="button" class="button quiet" onClick={() => change({ agent: null, route: null })}>
              Show all
            </button>
          </span>
        ) : null
      }
    >
      {shown.length ? (
        <div class="scroll">
          <table class="list">
            <thead>
              <tr>
                <th scope="col">Agent</th>
                <th scope="col">Route</th>
                <th scope="col" class="number">
                  Requests
                </th>
                <th scope="col" class="number">
                  Share
                </th>
                <th scope="col">Verdict</th>
              </tr>
            </thead>
            <tbody>
              {shown.map((each) => (
                <tr key={JSON.stringify([each.agent, each.route, each.verdict])}>
                  <td>
                    <a href={link("feed", { agent: each.agent, route: each.route, verdict: each.verdict })}>{each.agent}</a>
                  </td>
                  <td>{each.route}</td>
                  <td class="number">{count(each.requests)}</td>
                  <td class="number">{share(each.requests, total)}</td>
                  <td>
                    <Verdict verdict={each.verdict} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      ) : (
        <p class="muted">No traffic between them in the last {spanName(span.value)}.</p>
      )}
    </Panel>
  );
}
