// How the gateway does, over a span of time.
import type { ComponentChildren } from "preact";
import { read, type Stats } from "../api";
import { useCatalogue } from "../catalogue";
import { Chart } from "../parts/chart";
import { Filters, SpanChoice, spanName } from "../parts/filters";
import { KindIcon } from "../parts/icons";
import { Page, Panel } from "../parts/page";
import { Empty, Shown } from "../parts/states";
import { count, milliseconds, NONE, rate, share, tickRate } from "../format";
import { filter, link, span } from "../place";
import { useResource } from "../resource";
import { KIND_NAMES, KINDS, kindOf, type Kind } from "../verdict";

const EVERY = 2500;

export function Overview() {
  const catalogue = useCatalogue();
  const { agent, route } = filter.value;
  const query = { since: span.value, steps: 60, ...(agent ? { agent } : {}), ...(route ? { route } : {}) };
  const stats = useResource(
    `stats ${JSON.stringify(query)}`,
    (signal) => read("/audit/stats", query, signal),
    EVERY,
  );
  return (
    <Page
      title="Overview"
      about="What agents asked of this gateway, how it was decided, and how long it took."
      tools={
        <>
          <SpanChoice />
          <Filters catalogue={catalogue.data} names={["agent", "route"]} />
        </>
      }
    >
      <Shown resource={stats} what="the sums">
        {(data) => <Summary stats={data} />}
      </Shown>
    </Page>
  );
}

function Summary({ stats }: { stats: Stats }) {
  const total = sum(stats.series.map((point) => point.requests));
  const refused = sum(stats.series.map((point) => point.refused));
  const failed = sum(stats.series.map((point) => point.failed));
  const points = stats.series;
  const recent = points.at(-1);
  const seconds = (Date.parse(stats.until) - Date.parse(stats.since)) / 1000;
  const at = points.map((point) => Date.parse(point.at) / 1000);
  // The step that has just begun is shorter than the others, yet not so short that one request makes a peak of it.
  const begun = (Date.parse(stats.until) - Date.parse(recent?.at ?? stats.until)) / 1000;
  const shortest = Math.min(stats.step_seconds, Math.max(begun, stats.step_seconds / 2));
  const perSecond = (value: number, point: Stats["series"][number]) =>
    value / (point === recent ? shortest : stats.step_seconds);
  return (
    <>
      <div class="tiles">
        <Tile name="Requests / s" note={`${count(total)} in ${spanName(span.value)}`}>
          {rate(total / seconds)}
        </Tile>
        <Tile name="Refused" note={`${count(refused)} by rule or limit`} kind={refused ? "refused" : undefined}>
          {share(refused, total)}
        </Tile>
        <Tile name="Errors" note={failed ? `${count(failed)} ${failed === 1 ? "fault" : "faults"}` : "no faults"} kind={failed ? "failed" : undefined}>
          {total ? share(failed, total) : NONE}
        </Tile>
        <Tile name="Median" note="half are faster">
          {milliseconds(stats.p50_ms)}
        </Tile>
        <Tile name="p95" note="19 of 20 are faster">
          {milliseconds(stats.p95_ms)}
        </Tile>
        <Tile name="p99" note="99 of 100 are faster">
          {milliseconds(stats.p99_ms)}
        </Tile>
      </div>
      {total === 0 ? (
        <Empty title={`No requests in the last ${spanName(span.value)}`}>
          As soon as an agent asks something, it is counted here. Try{" "}
          <code>{`curl "${window.location.origin}?q=what+is+50+times+3"`}</code>, choose a longer span, or see what{" "}
          <a href={link("try")}>would be decided</a> without sending anything.
        </Empty>
      ) : null}
      <div class="columns wide-first">
        <Panel title="Requests per second">
          <Chart
            label={`Requests per second. Latest: ${rate(recent ? perSecond(recent.requests, recent) : 0)}`}
            at={at}
            shape="stack"
            unit={tickRate}
            lines={[
              {
                name: "Served",
                colour: "passed",
                values: points.map((p) => perSecond(Math.max(0, p.requests - p.refused - p.failed), p)),
                shown: (value) => rate(value ?? 0),
              },
              {
                name: "Refused",
                colour: "refused",
                values: points.map((p) => perSecond(p.refused, p)),
                shown: (value) => rate(value ?? 0),
              },
              {
                name: "Failed",
                colour: "failed",
                values: points.map((p) => perSecond(p.failed, p)),
                shown: (value) => rate(value ?? 0),
              },
            ]}
          />
        </Panel>
        <Panel title="Verdicts">
          <Mix stats={stats} total={total} />
        </Panel>
      </div>
      <div class="columns">
        <Panel title="Latency of the whole request">
          <Chart
            label={`Latency. Latest: p50 ${milliseconds(recent?.p50_ms)}, p99 ${milliseconds(recent?.p99_ms)}`}
            at={at}
            shape="lines"
            unit={axis}
            lines={[
              { name: "p50", colour: "series-1", values: points.map((p) => p.p50_ms), shown: milliseconds },
              { name: "p95", colour: "series-2", values: points.map((p) => p.p95_ms), shown: milliseconds },
              { name: "p99", colour: "series-3", values: points.map((p) => p.p99_ms), shown: milliseconds },
            ]}
          />
        </Panel>
        <Panel title="Where the time goes" note="means">
          <Chart
            label={`Mean times. Latest: model ${milliseconds(recent?.model_ms)}, upstream ${milliseconds(recent?.upstream_ms)}`}
            at={at}
            shape="lines"
            unit={axis}
            lines={[
              { name: "Model", colour: "model", values: points.map((p) => p.model_ms), shown: milliseconds },
              { name: "Upstream", colour: "upstream", values: points.map((p) => p.upstream_ms), shown: milliseconds },
            ]}
          />
        </Panel>
      </div>
    </>
  );
}

function Tile({ name, note, kind, children }: { name: string; note: string; kind?: Kind | undefined; children: ComponentChildren }) {
  return (
    <div class={kind ? `tile tone-${kind}` : "tile"}>
      <p class="tile-name">{name}</p>
      <p class="tile-value">{children}</p>
      <p class="tile-note">{note}</p>
    </div>
  );
}

/** How many of each verdict; the kinds of them as one bar. */
function Mix({ stats, total }: { stats: Stats; total: number }) {
  const verdicts = new Map<string, number>();
  for (const each of stats.links) verdicts.set(each.verdict, (verdicts.get(each.verdict) ?? 0) + each.requests);
  const kinds = new Map<Kind, number>();
  for (const [verdict, requests] of verdicts) {
    kinds.set(kindOf(verdict), (kinds.get(kindOf(verdict)) ?? 0) + requests);
  }
  if (!total) return <p class="muted">None yet.</p>;
  const ordered = [...verdicts].sort((a, b) => b[1] - a[1]);
  return (
    <>
      <div
        class="mix-bar"
        role="img"
        aria-label={KINDS.map((kind) => `${KIND_NAMES[kind]} ${share(kinds.get(kind) ?? 0, total)}`).join(", ")}
      >
        {KINDS.map((kind) =>
          kinds.get(kind) ? <span key={kind} class={`fill-${kind}`} style={{ flexGrow: kinds.get(kind) ?? 0 }} /> : null,
        )}
      </div>
      <ul class="mix">
        {ordered.map(([verdict, requests]) => (
          <li key={verdict}>
            <a href={link("feed", { verdict })} class={`mix-row ${kindOf(verdict)}`}>
              <KindIcon kind={kindOf(verdict)} />
              <span class="mix-name">{verdict}</span>
              <span class="mix-share">{share(requests, total)}</span>
              <b>{count(requests)}</b>
            </a>
          </li>
        ))}
      </ul>
    </>
  );
}

function axis(value: number): string {
  return value >= 1000 ? `${value / 1000} s` : `${value} ms`;
}

function sum(values: number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
