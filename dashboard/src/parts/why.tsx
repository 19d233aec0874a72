// All that is known of one request: who, what, which route, by which rule, how long, and what proves it.
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { read, type Entry } from "../api";
import { FIELDS, SCHEMA } from "../fields.gen";
import { bytes, dated, fine, milliseconds, score } from "../format";
import { change, link } from "../place";
import { useResource } from "../resource";
import { aboutOf, kindOf } from "../verdict";
import { Icon } from "./icons";
import { Marked, PartSays } from "./passage";
import { Scores } from "./scores";
import { Empty, Failed, Loading } from "./states";
import { Verdict } from "./verdict";
import { Waterfall } from "./waterfall";

const ASSURANCE: Record<NonNullable<Entry["assurance"]>, string> = {
  none: "None: the caller gave no name, and may use open routes only.",
  claimed: "Claimed: the caller named itself. A name labels traffic and proves nothing.",
  token: "Token: the caller showed what only it should have, and others could show as well.",
  bound: "Bound: the caller proved that it holds its key.",
};

const CHOSEN_BY: Record<NonNullable<Entry["chosen_by"]>, string> = {
  text: "The text",
  list: "The texts of a list, which agree",
  earlier_turn: "An earlier message of the user",
  name: "Its name, in the X-AIMux-Route header",
  prefix: "The prefix of its path",
  path: "The path, since there is no text",
  nothing: "Nothing: the fallback takes requests without a text",
};

function chosenBy(what: NonNullable<Entry["chosen_by"]>, turn: number | null): string {
  const means = CHOSEN_BY[what] ?? what; // a newer record may say another word
  return turn === null ? means : `${means}, ${turn} before the last`;
}

/** The request with this id, as it came by if it did, else as the audit log has it. */
export function Why({ id, seen }: { id: string; seen: Entry | null }) {
  const found = useResource(
    seen?.total_ms === null || seen === null ? `why ${id}` : null,
    async (signal) => (await read("/audit", { request_id: id, limit: 1 }, signal)).requests[0] ?? null,
    1500,
  );
  const head = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    head.current?.focus({ preventScroll: true });
    const escape = (event: KeyboardEvent) => {
      if (event.key === "Escape") change({ request: null });
    };
    window.addEventListener("keydown", escape);
    return () => {
      window.removeEventListener("keydown", escape);
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, [id]);
  const entry = seen?.total_ms === null ? (found.data ?? seen) : (seen ?? found.data);
  return (
    <aside class="why" aria-label="Why it was decided so">
      <header class="why-head">
        <h2 ref={head} tabIndex={-1}>
          Why
        </h2>
        <a class="button quiet" href={link("feed", { request: null })} aria-label="Close">
          <Icon sign="close" />
        </a>
      </header>
      {entry ? (
        <Whole entry={entry} />
      ) : found.error ? (
        <Failed error={found.error} again={found.reload} />
      ) : found.data === null && found.outdated === false && !seen ? (
        <Missing loaded={found} />
      ) : (
        <Loading what="the request" />
      )}
    </aside>
  );
}

function Missing({ loaded }: { loaded: { error: Error | null; data: unknown } }) {
  return loaded.error ? null : (
    <Empty title="Looking for this request">It is shown here as soon as the audit log's index has it.</Empty>
  );
}

function Whole({ entry }: { entry: Entry }) {
  return (
    <div class="why-body">
      <div class={`why-verdict ${kindOf(entry.verdict)}`}>
        <Verdict verdict={entry.verdict} status={entry.status} />
        <p class="why-rule">
          {entry.rule || aboutOf(entry.verdict)} {entry.rule_id ? <code title={FIELDS.rule_id.doc}>{entry.rule_id}</code> : null}
        </p>
        <p class="muted">{aboutOf(entry.verdict)}</p>
      </div>
      <Part title="Who asked">
        <Fact of="agent">{entry.agent ?? (entry.identity === null ? "not identified" : "anonymous")}</Fact>
        <Fact of="assurance">
          {entry.assurance === null
            ? "Refused: it could not be established who asked."
            : (ASSURANCE[entry.assurance] ?? entry.assurance)}
        </Fact>
        {entry.proof === null ? null : (
          <Fact of="proof">
            <code>{entry.proof}</code>
          </Fact>
        )}
        {entry.conflicts.map((claim) => (
          <Fact key={claim.place + claim.field} of="conflicts">
            {claim.name === null ? "What is no name" : <b>{claim.name}</b>} in the {claim.place} ({claim.field}). The first
            claim counts.
          </Fact>
        ))}
        <Fact of="peer">{entry.peer}</Fact>
      </Part>
      <Part title="What was meant">
        {entry.text === null ? <p class="muted">No text is recorded.</p> : (
          <blockquote>
            <Marked text={entry.text} part={entry.part} />
          </blockquote>
        )}
        <Fact of="dialect">
          {entry.dialect || "no text"}, <code>{`${entry.method} ${entry.path}`}</code>
        </Fact>
        {entry.action === null ? null : (
          <Fact of="action">
            {entry.protocol} <code>{entry.action}</code>
            {entry.target === null ? "" : " of "}
            {entry.target === null ? null : <code>{entry.target}</code>}
          </Fact>
        )}
      </Part>
      <Part title="Which route">
        {entry.chosen_by ? <Fact of="chosen_by">{chosenBy(entry.chosen_by, entry.turn)}</Fact> : null}
        {entry.guard === null ? null : <Fact of="guard">{entry.guard}</Fact>}
        {entry.scores.length ? (
          <Scores scores={entry.scores} route={entry.route} threshold={entry.ambiguity_threshold} />
        ) : (
          <p class="muted">No scores were needed: {entry.route ? "no text chose the route." : "it was decided before."}</p>
        )}
        {entry.part === null ? null : (
          <Fact of="part">
            <PartSays part={entry.part} route={entry.route} verdict={entry.verdict} />
          </Fact>
        )}
        {entry.margin === null ? null : (
          <Fact of="margin">
            {score(entry.margin)} over {entry.runner_up}
            {entry.part?.route === entry.route ? " in that part" : ""}; needed: {score(entry.ambiguity_threshold)}
          </Fact>
        )}
        {entry.cached === null ? null : (
          <Fact of="cached">{entry.cached ? "remembered from an equal text" : "read by the model"}</Fact>
        )}
      </Part>
      <Part title="Where the time went">
        <Waterfall entry={entry} />
      </Part>
      <Part title="What proves it">
        <Proof entry={entry} />
      </Part>
      <Part title="Names">
        <Fact of="time">{dated(entry.time).slice(0, 6) + " " + fine(entry.time)}</Fact>
        <Fact of="request_id">
          <code>{entry.request_id}</code>
        </Fact>
        {entry.client_request_id === null ? null : (
          <Fact of="client_request_id">
            <code>{entry.client_request_id}</code>
          </Fact>
        )}
        {entry.upstream_request_id === null ? null : (
          <Fact of="upstream_request_id">
            <code>{entry.upstream_request_id}</code>
          </Fact>
        )}
        <Fact of="trace_id">
          <code>{entry.trace_id}</code>
        </Fact>
        <Fact of="ended">
          {entry.total_ms === null ? "being served" : `${bytes(entry.bytes)}, ${entry.ended ?? "refused"}`}
          {entry.total_ms === null ? "" : ` after ${milliseconds(entry.total_ms)}`}
        </Fact>
        {entry.config ? (
          <Fact of="config">
            <code>{entry.config.slice(0, 12)}</code>
          </Fact>
        ) : null}
        {entry.model ? (
          <Fact of="model">
            <code>{entry.model.slice(0, 12)}</code>
          </Fact>
        ) : null}
        {entry.text_digest ? (
          <Fact of="text_digest">
            <code>{entry.text_digest.slice(0, 24)}</code>
          </Fact>
        ) : null}
        {entry.standing ? (
          <Fact of="standing">
            <code>{entry.standing.slice(0, 12)}</code>
          </Fact>
        ) : null}
      </Part>
    </div>
  );
}

/** Where its records stand in the chain, and what has been checked of it. */
function Proof({ entry }: { entry: Entry }) {
  const status = useResource("proof", (signal) => read("/audit/status", {}, signal), 3000);
  const { chain: number, decision, outcome } = entry.position;
  const chain = status.data?.chains.find((each) => each.chain === number);
  const last = outcome ?? decision;
  const checked = chain !== undefined && chain.verified >= last;
  const signed = chain?.checkpoint && chain.checkpoint.count >= last ? chain.checkpoint : null;
  return (
    <>
      <Fact of="position">
        chain {number}, decision {decision}
        {outcome === null || outcome === decision ? "" : `, outcome ${outcome}`}
      </Fact>
      {entry.schema >= 1 && entry.schema <= SCHEMA ? null : (
        <Fact of="schema">
          {entry.schema || "none that can be"}: another version of AIMux wrote the record. What this one knows of it is shown.
        </Fact>
      )}
      <Fact name="Hash">
        {chain?.fault ? (
          <span class="tone-refused">This chain does not verify: {chain.fault}</span>
        ) : checked ? (
          <span class="tone-good">checked: it follows from the record before it</span>
        ) : (
          "not checked yet: the index is about to read it"
        )}
      </Fact>
      <Fact name="Signature">
        {signed ? (
          <span class="tone-good">
            under a checkpoint signed at {dated(signed.at)} over {signed.count} records
          </span>
        ) : (
          "not under a checkpoint yet: the next one signs it"
        )}
      </Fact>
    </>
  );
}

type Named = { of: keyof Entry & keyof typeof FIELDS; name?: never } | { of?: never; name: string };

function Part({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <section class="why-part">
      <h3>{title}</h3>
      {children}
    </section>
  );
}

/** A field of the request, by the name and the sentence that the table of fields has for it; or what else is known. */
function Fact({ of, name, children }: Named & { children: ComponentChildren }) {
  return (
    <p class="fact" title={of === undefined ? undefined : FIELDS[of].doc}>
      <span class="fact-name">{of === undefined ? name : FIELDS[of].label}</span>
      <span class="fact-value">{children}</span>
    </p>
  );
}
