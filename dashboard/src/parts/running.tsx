// What runs: the button that reloads the configuration, the workers, and where state is kept.
import { useState } from "preact/hooks";
import { Refused, reload, type Schemas } from "../api";
import { session } from "../session";
import { Panel } from "./page";

type Outcome = { done: Schemas["ReloadAnswer"] | null; error: Error | null };

/** For operators who may command. `reloaded` hears of each reload, also of one that was refused. */
export function Reload({ reloaded }: { reloaded: () => void }) {
  const [waiting, setWaiting] = useState(false);
  const [outcome, setOutcome] = useState<Outcome | null>(null);
  if (!session.value?.commands) return null;
  const begin = async () => {
    if (waiting) return;
    setWaiting(true);
    try {
      setOutcome({ done: await reload(), error: null });
    } catch (error) {
      setOutcome({ done: null, error: error as Error });
    }
    setWaiting(false);
    reloaded();
  };
  return (
    <Panel
      title="Reload"
      note={
        <button type="button" class="button strong" aria-disabled={waiting} onClick={() => void begin()}>
          Reload configuration
        </button>
      }
    >
      <div class="came" aria-live="polite" aria-busy={waiting}>
        {waiting ? <p class="muted">Reading the file, on every worker.</p> : <Came outcome={outcome} />}
      </div>
    </Panel>
  );
}

function Came({ outcome }: { outcome: Outcome | null }) {
  if (!outcome) {
    return <p class="muted">Reads the gateway's configuration file again, and takes it over whole or not at all.</p>;
  }
  const { done, error } = outcome;
  if (!done) {
    return (
      <>
        <p class="tone-refused">{error?.message}</p>
        {error instanceof Refused && error.problems.length ? (
          <ul class="problems">
            {error.problems.map((problem) => (
              <li key={problem}>{problem}</li>
            ))}
          </ul>
        ) : null}
      </>
    );
  }
  if (!done.changes.length) {
    const same = done.before === done.after;
    return <p class="tone-good">Taken over. {same ? "Nothing has changed." : "Nothing that may be shown has changed."}</p>;
  }
  return (
    <>
      <p class="tone-good">
        Taken over. {done.changes.length} {done.changes.length === 1 ? "setting has" : "settings have"} changed.
      </p>
      <Changes changes={done.changes} />
    </>
  );
}

function Changes({ changes }: { changes: Schemas["SettingChange"][] }) {
  return (
    <div class="scroll">
      <table class="list">
        <thead>
          <tr>
            <th scope="col">Setting</th>
            <th scope="col">Before</th>
            <th scope="col">Now</th>
          </tr>
        </thead>
        <tbody>
          {changes.map((each) => (
            <tr key={each.path}>
              <td>
                <code>{each.path}</code>
              </td>
              <td>
                <Setting value={each.before} />
              </td>
              <td>
                <Setting value={each.after} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Setting({ value }: { value: unknown }) {
  return value === null || value === undefined ? <span class="muted">none</span> : <code>{JSON.stringify(value)}</code>;
}

/** The workers, and whether each serves by the configuration in force. */
export function Workers({ workers, digest }: { workers: Schemas["WorkerEntry"][]; digest: string }) {
  return (
    <div class="scroll">
      <table class="list">
        <thead>
          <tr>
            <th scope="col" class="number">
              Worker
            </th>
            <th scope="col" class="number">
              Process
            </th>
            <th scope="col">Configuration</th>
            <th scope="col" class="number">
              Standing
            </th>
          </tr>
        </thead>
        <tbody>
          {workers.map((each) => (
            <tr key={each.worker}>
              <td class="number">{each.worker}</td>
              <td class="number">{each.pid}</td>
              <td class={each.config === digest ? "tone-good" : "tone-failed"}>
                {each.config === digest ? "in force" : each.config ? <code>{each.config.slice(0, 12)}</code> : "none yet"}
              </td>
              <td class="number">{each.standing}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function StateFacts({ state }: { state: Schemas["StateEntry"] }) {
  return (
    <>
      <p class="fact">
        <span class="fact-name">Kept in</span>
        <span class="fact-value">{state.store === "sqlite" ? "a file" : "memory"}</span>
      </p>
      <p class="fact">
        <span class="fact-name">Lasting</span>
        <span class="fact-value">{state.lasting ? "yes" : "no"}</span>
      </p>
      {state.problem ? <p class="tone-refused">{state.problem}</p> : null}
    </>
  );
}
