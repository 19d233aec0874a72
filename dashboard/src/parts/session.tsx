// Who is logged in, and where somebody may: an operator's token proves it, and is held by this tab alone.
import { useRef, useState } from "preact/hooks";
import { read } from "../api";
import { useResource } from "../resource";
import { locked, logIn, logOut, notice, session } from "../session";

/** The head of every page: the log-in, or who is logged in. Nothing where the gateway has no operators. */
export function SessionBar() {
  const config = useResource(locked.value ? null : "operators", (signal) => read("/config", {}, signal), 30_000);
  const said = notice.value !== null && !locked.value;
  const who = session.value;
  const offered = who !== null || (config.data !== null && haveTokens(config.data.config));
  return (
    <header class={offered || said ? "session" : "unseen"} aria-label="Session">
      {locked.value ? null : <Said />}
      {who ? (
        <>
          <p class="session-who">
            <b>{who.name}</b> <span class="chip">{who.role}</span>
          </p>
          <button type="button" class="button" onClick={logOut}>
            Log out
          </button>
        </>
      ) : offered && !locked.value ? (
        <LogIn />
      ) : null}
    </header>
  );
}

/** In place of a view: nothing of it may be read from here without a log-in. */
export function Locked() {
  return (
    <section class="panel locked" aria-labelledby="locked">
      <h1 id="locked" tabIndex={-1}>
        Log in
      </h1>
      <p class="muted">
        From another machine, or through a proxy, only operators may read what this page shows. Your token stays in this
        tab: reading the page again logs you out.
      </p>
      <LogIn focused />
      <Said />
    </section>
  );
}

/** What came of the last try, told aloud as well. */
function Said() {
  const said = notice.value;
  // Who is logged in stands beside it: only what went wrong needs to be seen as well.
  const look = said?.good && session.value ? "unseen" : said && !said.good ? "session-said tone-refused" : "session-said";
  return (
    <p class={look} aria-live="polite">
      {said?.text ?? ""}
    </p>
  );
}

function LogIn({ focused = false }: { focused?: boolean }) {
  const field = useRef<HTMLInputElement>(null);
  const [waiting, setWaiting] = useState(false);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const input = field.current;
    const given = input?.value.trim() ?? "";
    if (!input || waiting) return;
    if (!given) {
      input.focus();
      return;
    }
    input.value = "";
    setWaiting(true);
    await logIn(given);
    setWaiting(false);
    if (session.value) document.getElementById("main")?.focus({ preventScroll: true });
    else field.current?.focus();
  };
  return (
    <form class="log-in" autocomplete="off" onSubmit={(event) => void submit(event)}>
      <label class="choice">
        <span class="unseen">Operator token</span>
        <input
          ref={field}
          type="password"
          placeholder="Operator token"
          autocomplete="off"
          autocapitalize="off"
          spellcheck={false}
          autofocus={focused}
        />
      </label>
      <button type="submit" class="button" aria-disabled={waiting}>
        Log in
      </button>
    </form>
  );
}

function haveTokens(config: Record<string, unknown>): boolean {
  const { operators, server } = config as { operators?: unknown[]; server?: { admin_token?: unknown } };
  return Boolean(operators?.length) || Boolean(server?.admin_token);
}
