// Decisions as they happen. Where the stream breaks off it is opened again, by and by.
import { useEffect, useRef } from "preact/hooks";
import { address, type Entry } from "./api";
import { epoch, heard, watch } from "./contact";
import type { Filter } from "./place";

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
  useEffect(() => {
    if (!open) return;
    let source: EventSource | null = null;
    let timer = 0;
    let wait = 500;
    const begin = () => {
      source = new EventSource(where);
      source.onopen = () => {
        wait = 500;
        heard();
        told.current.opened();
      };
      source.onerror = () => {
        source?.close();
        void watch();
        timer = window.setTimeout(begin, wait);
        wait = Math.min(wait * 2, LONGEST_WAIT);
      };
      for (const kind of ["decision", "outcome"] as const) {
        source.addEventListener(kind, (event) => told.current.tell({ kind, entry: JSON.parse(event.data) as Entry }));
      }
      for (const kind of ["skipped", "unreadable"] as const) {
        source.addEventListener(kind, (event) => {
          told.current.tell({ kind, records: (JSON.parse(event.data) as { records: number }).records });
        });
      }
    };
    begin();
    return () => {
      source?.close();
      window.clearTimeout(timer);
    };
  }, [where, open, back]);
}

/** The one name of a request among all chains. */
export function keyOf(entry: Entry): string {
  return `${entry.position.chain}:${entry.position.decision}`;
}
