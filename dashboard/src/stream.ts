// Decisions as they happen. Where the stream breaks off it is opened again, by and by.
import { useEffect, useRef } from "preact/hooks";
import { address, type Entry } from "./api";
import { epoch, heard, watch } from "./contact";
import { follow, type Event } from "./events";
import type { Filter } from "./place";
import { proof, turn } from "./session";

export type Happening = { kind: "decision" | "outcome"; entry: Entry } | { kind: "skipped"; records: number } | { kind: "unreadable"; records: number };

const LONGEST_WAIT = 8000;

/** Tell of everything that passes the filter, while `open`. `opened` hears of each time that the stream begins. */
export function useStream(
  filter: Filter,
  tell: (happening: Happening) => void,
  opened: () => void = () => {},
  open = true,
): void {
  const told = useRef({ tell, opened });
  told.current = { tell, opened };
  const where = address("/audit/stream", filter);
  const back = epoch.value;
  const who = turn.value;
  useEffect(() => {
    if (!open) return;
    const aborting = new AbortController();
    let timer = 0;
    let wait = 500;
    const begin = async () => {
      try {
        const response = await fetch(where, { headers: proof(), cache: "no-store", signal: aborting.signal });
        if (response.ok) {
          wait = 500;
          heard();
          told.current.opened();
          await follow(response, (event) => {
            const happening = happeningOf(event);
            if (happening && !aborting.signal.aborted) told.current.tell(happening);
          });
        }
      } catch {
        // Broken off, as it is where it ends: it is opened again.
      }
      if (aborting.signal.aborted) return;
      void watch();
      timer = window.setTimeout(() => void begin(), wait);
      wait = Math.min(wait * 2, LONGEST_WAIT);
    };
    void begin();
    return () => {
      aborting.abort();
      window.clearTimeout(timer);
    };
  }, [where, open, back, who]);
}

function happeningOf({ kind, data }: Event): Happening | null {
  if (kind === "decision" || kind === "outcome") return { kind, entry: JSON.parse(data) as Entry };
  if (kind === "skipped" || kind === "unreadable") {
    return { kind, records: (JSON.parse(data) as { records: number }).records };
  }
  return null;
}

/** The one name of a request among all chains. */
export function keyOf(entry: Entry): string {
  return `${entry.position.chain}:${entry.position.decision}`;
}
