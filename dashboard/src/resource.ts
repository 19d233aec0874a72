// Something that is read from the gateway, again and again. What was read stays in sight until newer has come.
import { useEffect, useRef, useState } from "preact/hooks";
import { epoch } from "./contact";
import * as session from "./session";

export type Resource<T> = {
  data: T | null;
  error: Error | null;
  /** What is shown was read for other parameters, and its replacement is under way. */
  outdated: boolean;
  reload: () => void;
};

/** `key` stands for the parameters of `load`; null reads nothing. `every` is in milliseconds, 0 for once. */
export function useResource<T>(
  key: string | null,
  load: (signal: AbortSignal) => Promise<T>,
  every = 0,
): Resource<T> {
  const [state, setState] = useState<{ key: string | null; data: T | null; error: Error | null }>({
    key: null,
    data: null,
    error: null,
  });
  const [turn, setTurn] = useState(0);
  const latest = useRef(load);
  latest.current = load;
  const back = epoch.value;
  const who = session.turn.value;
  useEffect(() => {
    if (key === null) return;
    const aborting = new AbortController();
    let timer = 0;
    const once = async () => {
      try {
        const data = await latest.current(aborting.signal);
        if (!aborting.signal.aborted) setState({ key, data, error: null });
      } catch (error) {
        if (aborting.signal.aborted) return;
        const shown = error instanceof Error ? error : new Error(String(error));
        setState((before) => ({ key, data: before.key === key ? before.data : null, error: shown }));
      }
      if (every && !aborting.signal.aborted) timer = window.setTimeout(() => void again(), every);
    };
    const again = async () => {
      if (document.hidden) timer = window.setTimeout(() => void again(), every);
      else await once();
    };
    void once();
    return () => {
      aborting.abort();
      window.clearTimeout(timer);
    };
  }, [key, every, turn, back, who]);
  return {
    data: key === null ? null : state.data,
    error: state.error,
    outdated: state.data !== null && state.key !== key,
    reload: () => setTurn((before) => before + 1),
  };
}
