// What would be decided on a text, as it is typed. Nothing is forwarded, nothing recorded.
import { useEffect, useState } from "preact/hooks";
import { read } from "../api";
import { useCatalogue } from "../catalogue";
import { Page, Panel } from "../parts/page";
import { PartSays } from "../parts/passage";
import { Scores } from "../parts/scores";
import { Empty, Shown } from "../parts/states";
import { Verdict } from "../parts/verdict";
import { milliseconds, score } from "../format";
import { change, place } from "../place";
import { useResource } from "../resource";
import { kindOf } from "../verdict";

/** So many of the mesh's own intents are offered, one a route. */
const EXAMPLES = 3;

export function Try() {
  const catalogue = useCatalogue();
  const [text, setText] = useState(place.value.given.get("try") ?? "");
  const [asked, setAsked] = useState(text);
  const agent = place.value.given.get("as") ?? "";
  useEffect(() => {
    const timer = window.setTimeout(() => {
      setAsked(text);
      change({ try: text || null }, true);
    }, 120);
    return () => window.clearTimeout(timer);
  }, [text]);
  const meant = asked.trim() !== "";
  const trial = useResource(meant ? JSON.stringify([asked, agent]) : null, (signal) =>
    read("/dashboard/api/try", { text: asked, ...(agent ? { agent } : {}) }, signal),
  );
  const examples = (catalogue.data?.routes.routes ?? []).flatMap((each) => each.intents.slice(0, 1)).slice(0, EXAMPLES);
  const agents = catalogue.data?.agents.agents.map((each) => each.name) ?? [];
  return (
    <Page
      title="Try it"
      about="Type what an agent might say, and see what would become of it. Nothing is forwarded, nothing is recorded."
    >
      <div class="columns try">
        <Panel title="The request">
          <label class="field">
            <span>Text</span>
            <textarea
              rows={4}
              value={text}
              placeholder="What an agent might say"
              spellcheck={false}
              onInput={(event) => setText(event.currentTarget.value)}
            />
          </label>
          <label class="field">
            <span>Asked by</span>
            <select value={agent} onChange={(event) => change({ as: event.currentTarget.value || null })}>
              <option value="">nobody: an anonymous caller</option>
              {(agent && !agents.includes(agent) ? [agent, ...agents] : agents).map((name) => (
                <option key={name} value={name}>
                  {name}
                </option>
              ))}
            </select>
          </label>
          {examples.length ? (
            <div class="examples">
              <span class="muted">For example</span>
              {examples.map((example) => (
                <button key={example} type="button" class="button quiet" onClick={() => setText(example)}>
                  {example}
                </button>
              ))}
            </div>
          ) : null}
          {meant ? (
            <div class="field">
              <span>The same for real</span>
              <pre class="command">{command(asked, agent)}</pre>
            </div>
          ) : null}
        </Panel>
        <Panel title="The decision" note={trial.data ? `decided in ${milliseconds(trial.data.milliseconds)}` : null}>
          <div aria-live="polite">
            {meant ? (
              <Shown resource={trial} what="the decision">
                {(found) => (
                  <>
                    <div class={`why-verdict ${kindOf(found.verdict)}`}>
                      <Verdict verdict={found.verdict} status={found.status} />
                      <p class="why-rule">{found.message}</p>
                      <p class="muted">
                        By the rule: {found.rule} <code>{found.rule_id}</code>
                      </p>
                      {found.candidates.length ? (
                        <p class="muted">It could mean: {found.candidates.join(", ")}.</p>
                      ) : null}
                    </div>
                    {found.scores.length ? (
                      <Scores scores={found.scores} route={found.route} threshold={found.ambiguity_threshold} />
                    ) : (
                      <p class="muted">It was decided before any route had to be scored.</p>
                    )}
                    {found.part === null ? null : (
                      <p class="muted">
                        <PartSays part={found.part} route={found.route} verdict={found.verdict} />
                      </p>
                    )}
                    {found.margin === null ? null : (
                      <p class="muted">
                        {found.part?.route === found.route ? `In that part ${found.route}` : found.best} leads{" "}
                        {found.runner_up} by {score(found.margin)}; {score(found.ambiguity_threshold)} is needed.
                      </p>
                    )}
                  </>
                )}
              </Shown>
            ) : (
              <Empty title="The decision is shown here as you type">
                With the score of every route, the thresholds, and the rule that decides.
              </Empty>
            )}
          </div>
        </Panel>
      </div>
    </Page>
  );
}

/** The request as a shell takes it, whatever is in the text. */
function command(text: string, agent: string): string {
  const quoted = (value: string) => `'${value.replaceAll("'", `'\\''`)}'`;
  const who = agent ? `-H ${quoted(`X-Source-Agent: ${agent}`)} \\\n  ` : "";
  return `curl ${who}-d ${quoted(JSON.stringify({ query: text }))} \\\n  ${window.location.origin}`;
}
