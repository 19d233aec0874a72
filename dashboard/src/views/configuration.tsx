// What is in force: the configuration with its defaults, its digest, and how the last reload went.
import { read, type Schemas } from "../api";
import { Page, Panel } from "../parts/page";
import { Reload, StateFacts, Workers } from "../parts/running";
import { Shown } from "../parts/states";
import { ago, dated } from "../format";
import { useResource } from "../resource";

export function Configuration() {
  const found = useResource("configuration", (signal) => read("/config", {}, signal), 4000);
  return (
    <Page
      title="Configuration"
      about="What the gateway judges by now, defaults filled in. Secrets stand as ***, values of the environment as they were written."
    >
      <Shown resource={found} what="the configuration">
        {(data) => (
          <>
            <div class="columns">
              <Panel title="In force">
                <p class="fact">
                  <span class="fact-name">Since</span>
                  <span class="fact-value">
                    {dated(data.loaded_at)}, for {ago(Date.parse(data.loaded_at), Date.now())}
                  </span>
                </p>
                <p class="fact">
                  <span class="fact-name">Digest</span>
                  <span class="fact-value">
                    <code class="digest">{data.digest}</code>
                  </span>
                </p>
              </Panel>
              <Panel title="Last reload">
                <LastReload last={data.last_reload} />
              </Panel>
            </div>
            <Reload reloaded={found.reload} />
            <div class="columns">
              <Panel title="Workers">
                <Workers workers={data.workers} digest={data.digest} />
              </Panel>
              <Panel title="State">
                <StateFacts state={data.state} />
              </Panel>
            </div>
            <Panel title="All of it">
              {Object.entries(data.config).map(([section, value]) => (
                <details key={section} class="section" open={section !== "routes"}>
                  <summary>{section}</summary>
                  <pre class="yaml">
                    <Value value={value} depth={0} />
                  </pre>
                </details>
              ))}
            </Panel>
          </>
        )}
      </Shown>
    </Page>
  );
}

function LastReload({ last }: { last: Schemas["LastReload"] | null }) {
  if (!last) {
    return <p class="muted">None since the start. SIGHUP makes the gateway read its configuration again.</p>;
  }
  if (last.successful) {
    return <p class="tone-good">Taken over at {dated(last.at)}.</p>;
  }
  return (
    <>
      <p class="tone-refused">Not taken over at {dated(last.at)}: what was in force before still is.</p>
      <ul class="problems">
        {last.problems.map((problem) => (
          <li key={problem}>{problem}</li>
        ))}
      </ul>
    </>
  );
}

/** A value as YAML writes it. */
function Value({ value, depth }: { value: unknown; depth: number }) {
  const pad = "  ".repeat(depth);
  if (Array.isArray(value)) {
    if (value.length === 0) return <>{"[]\n"}</>;
    return (
      <>
        {value.map((item: unknown, index) => (
          <span key={index}>
            {`${pad}- `}
            {isTree(item) ? <Tree entries={Object.entries(item)} depth={depth + 1} inline /> : <Value value={item} depth={depth + 1} />}
          </span>
        ))}
      </>
    );
  }
  if (isTree(value)) return <Tree entries={Object.entries(value)} depth={depth} />;
  return (
    <>
      <span class={typeof value === "string" ? "yaml-text" : "yaml-value"}>{JSON.stringify(value)}</span>
      {"\n"}
    </>
  );
}

function Tree({ entries, depth, inline = false }: { entries: [string, unknown][]; depth: number; inline?: boolean }) {
  const pad = "  ".repeat(depth);
  if (entries.length === 0) return <>{"{}\n"}</>;
  return (
    <>
      {entries.map(([name, value], index) => {
        const below = (Array.isArray(value) && value.length > 0) || (isTree(value) && Object.keys(value).length > 0);
        return (
          <span key={name}>
            {inline && index === 0 ? "" : pad}
            <span class="yaml-key">{name}</span>
            {below ? ":\n" : ": "}
            <Value value={value} depth={below ? depth + 1 : 0} />
          </span>
        );
      })}
    </>
  );
}

function isTree(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
