import type { Stats } from "../api";
import { count, requests } from "../format";
import { link, type Changes } from "../place";
import { KINDS, KIND_NAMES, kindOf, type Kind } from "../verdict";

/** What came of the requests of some links, as one bar and in words. */
export function Traffic({ links, within, to }: { links: Stats["links"] | null; within: string; to: Changes }) {
  const kinds = new Map<Kind, number>();
  let total = 0;
  for (const each of links ?? []) {
    kinds.set(kindOf(each.verdict), (kinds.get(kindOf(each.verdict)) ?? 0) + each.requests);
    total += each.requests;
  }
  return (
    <a class="traffic" href={link("feed", to)}>
      <span class="mix-bar small" aria-hidden="true">
        {KINDS.map((kind) =>
          kinds.get(kind) ? <span key={kind} class={`fill-${kind}`} style={{ flexGrow: kinds.get(kind) ?? 0 }} /> : null,
        )}
      </span>
      <span class="traffic-words">
        <b>{links === null ? "–" : requests(total)}</b> in {within}
        {KINDS.filter((kind) => kind !== "passed" && kinds.get(kind)).map((kind) => (
          <span key={kind} class={`tone-${kind}`}>
            {" "}
            · {count(kinds.get(kind) ?? 0)} {KIND_NAMES[kind].toLowerCase()}
          </span>
        ))}
      </span>
    </a>
  );
}
