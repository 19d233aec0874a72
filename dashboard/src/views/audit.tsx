// The audit log: whether its chains hold, what it says, and a copy of it.
import { useEffect, useState } from "preact/hooks";
import { address, download, read, type Entry, type Status } from "../api";
import { useCatalogue } from "../catalogue";
import { Filters } from "../parts/filters";
import { Page, Panel } from "../parts/page";
import { Empty, Failed, Shown } from "../parts/states";
import { Verdict } from "../parts/verdict";
import { bytes, count, dated, milliseconds } from "../format";
import { change, filter, link, place } from "../place";
import { useResource } from "../resource";
import { session } from "../session";
import { keyOf } from "../stream";

const PAGE = 50;

export function Audit() {
  const status = useResource("status", (signal) => read("/audit/status", {}, signal), 3000);
  return (
    <Page
      title="Audit"
      about="The record of who reached what, and why. Each record holds the hash of the one before it; checkpoints are signed."
    >
      <Panel title="Chains">
        <Shown resource={status} what="the state of the log">
          {(data) => <Chains status={data} />}
        </Shown>
      </Panel>
      {status.data?.enabled === false ? null : <Search />}
    </Page>
  );
}

function Chains({ status }: { status: Status }) {
  if (!status.enabled) {
    return (
      <Empty title="Nothing is recorded">
        <code>audit.enabled</code> is false in the gateway's configuration. Overview, mesh and feed have nothing to show
        without it.
      </Empty>
    );
  }
  return (
    <>
      {status.problem ? (
        <p class="notice refused" role="alert">
          {status.problem}
        </p>
      ) : null}
      {status.chains.length === 0 ? <Empty title="No record yet">The first request begins the first chain.</Empty> : null}
      <ul class="chains">
        {status.chains.map((chain) => {
          const whole = chain.fault === null && chain.verified >= chain.last;
          return (
            <li key={chain.chain} class="chain">
              <p class={chain.fault ? "chain-state tone-refused" : whole ? "chain-state tone-good" : "chain-state"}>
                <span class="dot" aria-hidden="true" />
                {chain.fault ? "Does not verify" : whole ? "Every hash checked" : "Being checked"}
              </p>
              <p class="chain-name">Chain {chain.chain}</p>
              {chain.origin ? <code class="chain-origin">{chain.origin}</code> : null}
              {chain.fault ? <p class="tone-refused">{chain.fault}</p> : null}
              {chain.not_interpreted ? (
                <p>
                  {count(chain.not_interpreted)} records are of another version of AIMux, or say what this one does not know.
                </p>
              ) : null}
              <dl class="figures">
                <Figure name="Records">
                  {count(chain.first)}–{count(chain.last)}
                </Figure>
                <Figure name="Checked up to">{count(chain.verified)}</Figure>
                <Figure name="Signed up to">
                  {chain.checkpoint ? `${count(chain.checkpoint.count)}, ${dated(chain.checkpoint.at)}` : "none yet"}
                </Figure>
                <Figure name="On disk">
                  {bytes(chain.bytes)} in {chain.segments} {chain.segments === 1 ? "file" : "files"}
                </Figure>
              </dl>
            </li>
          );
        })}
      </ul>
      <p class="muted small">
        Recorded of a text: {status.text}. A record survives {status.sync === "always" ? "a loss of power" : "the end of the process"}.
        {status.behind ? ` The index is ${bytes(status.behind)} behind.` : " The index is up to date."} Whoever can write the
        log's files can rewrite all of it: <code>aimux audit verify</code> checks it against checkpoints kept elsewhere.
      </p>
    </>
  );
}

function Figure({ name, children }: { name: string; children: preact.ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Search() {
  const catalogue = useCatalogue();
  const given = place.value.given;
  const query = {
    ...filter.value,
    ...only("since", given.get("since")),
    ...only("until", given.get("until")),
  };
  const id = given.get("id");
  const key = JSON.stringify([query, id]);
  const asked = { ...query, ...(id ? { request_id: id } : {}), limit: PAGE };
  const first = useResource(`audit ${key}`, (signal) => read("/audit", asked, signal));
  const [more, setMore] = useState<{ key: string; entries: Entry[]; next: string | null; error: Error | null } | null>(null);
  useEffect(() => setMore(null), [key, first.data]);
  const older = more?.key === key ? more : null;
  const next = older ? older.next : (first.data?.next ?? null);
  const load = async () => {
    if (!next) return;
    const entries = older?.entries ?? [];
    try {
      const page = await read("/audit", { ...asked, before: next });
      setMore({ key, entries: [...entries, ...page.requests], next: page.next, error: null });
    } catch (error) {
      setMore({ key, entries, next, error: error as Error });
    }
  };
  return (
    <Panel
      title="Search"
      note={
        <span class="exports">
          Export what is found:
          {(["jsonl", "csv", "otlp"] as const).map((format) => (
            <Export key={format} where={address("/audit/export", { ...query, format })} format={format} />
          ))}
        </span>
      }
    >
      <div class="tools search">
        <Filters catalogue={catalogue.data} names={["agent", "route", "verdict", "text"]} />
        <Written name="since" about="From" hint="24h, or 2026-01-31T12:00Z" />
        <Written name="until" about="Until" hint="now" />
        <Written name="id" about="Request" hint="request id" />
        <button type="button" class="button" onClick={first.reload}>
          Search again
        </button>
      </div>
      <Shown resource={first} what="the log">
        {(page) => {
          const entries = [...page.requests, ...(older?.entries ?? [])];
          if (!entries.length) return <Empty title="Nothing is found">No recorded request passes these filters.</Empty>;
          return (
            <>
              <div class="scroll">
                <table class="list">
                  <thead>
                    <tr>
                      <th scope="col">At</th>
                      <th scope="col">Agent</th>
                      <th scope="col">Text</th>
                      <th scope="col">Route</th>
                      <th scope="col">Verdict</th>
                      <th scope="col" class="number">
                        Took
                      </th>
                      <th scope="col" class="number">
                        Record
                      </th>
                    </tr>
                  </thead>
                  <tbody>
                    {entries.map((entry) => (
                      <tr key={keyOf(entry)}>
                        <td class="nowrap">
                          <a href={link("feed", { request: entry.request_id })}>{dated(entry.time)}</a>
                        </td>
                        <td>{entry.agent ?? (entry.identity === null ? "not identified" : "anonymous")}</td>
                        <td class="list-text">{entry.text ?? ""}</td>
                        <td>{entry.route ?? "–"}</td>
                        <td>
                          <Verdict verdict={entry.verdict} status={entry.status} />
                        </td>
                        <td class="number">{milliseconds(entry.total_ms)}</td>
                        <td class="number">{keyOf(entry)}</td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              </div>
              {older?.error ? <Failed error={older.error} /> : null}
              <p class="list-end">
                {next ? (
                  <button type="button" class="button" onClick={() => void load()}>
                    Show older ones
                  </button>
                ) : (
                  <span class="muted">That is all, {count(entries.length)} in number.</span>
                )}
              </p>
            </>
          );
        }}
      </Shown>
    </Panel>
  );
}

function only<N extends string>(name: N, value: string | null): Partial<Record<N, string>> {
  return value ? ({ [name]: value } as Record<N, string>) : {};
}

/** A filter that is written, and holds once it is done. */
function Written({ name, about, hint }: { name: string; about: string; hint: string }) {
  const value = place.value.given.get(name) ?? "";
  return (
    <label class={value ? "choice set" : "choice"}>
      <span class="unseen">{about}</span>
      <input
        type="text"
        key={value}
        defaultValue={value}
        placeholder={`${about}: ${hint}`}
        onChange={(event) => change({ [name]: event.currentTarget.value.trim() || null })}
      />
    </label>
  );
}

/** A link, and where an operator is logged in a button: a link sends no token. */
function Export({ where, format }: { where: string; format: "jsonl" | "csv" | "otlp" }) {
  const [failed, setFailed] = useState("");
  const name = format === "otlp" ? "OTLP" : format.toUpperCase();
  if (!session.value) {
    return (
      <a href={where} download>
        {name}
      </a>
    );
  }
  const fetched = () =>
    download(where, `aimux-audit.${format === "otlp" ? "otlp.jsonl" : format}`).then(
      () => setFailed(""),
      (error: Error) => setFailed(error.message),
    );
  return (
    <>
      <button type="button" class="button quiet" onClick={() => void fetched()}>
        {name}
      </button>
      {failed ? (
        <span class="tone-refused" role="alert">
          {failed}
        </span>
      ) : null}
    </>
  );
}
