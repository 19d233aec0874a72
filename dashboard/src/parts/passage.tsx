// The part of a text that decided: its words in the text, and what it did.
import type { Schemas } from "../api";
import { score } from "../format";

type Part = Schemas["DecidingPart"];

/** A text in which the words of the part that decided are marked, where they stand in it. */
export function Marked({ text, part }: { text: string; part: Part | null }) {
  const at = part ? placeOf(text, part) : -1;
  if (!part?.text || at < 0) return <>{text}</>;
  const end = at + part.text.length;
  return (
    <>
      {text.slice(0, at)}
      <mark>{text.slice(at, end)}</mark>
      {text.slice(end)}
    </>
  );
}

/** Where the part's words begin in the text as it is shown: the gateway counts characters, a page their halves. */
function placeOf(text: string, part: Part): number {
  if (!part.text) return -1;
  const before = part.start === null ? 0 : Array.from(text).slice(0, part.start).join("").length;
  // Where a secret was blotted out before it, it stands elsewhere.
  return text.startsWith(part.text, before) ? before : text.indexOf(part.text);
}

/** What the part stands for, and what it did to the decision. */
export function PartSays({ part, route, verdict }: { part: Part; route: string | null; verdict: string }) {
  return (
    <>
      {part.text === null ? "A part whose words are not recorded" : <q>{part.text}</q>}
      {part.start === null ? "" : `, characters ${part.start} to ${part.end},`} stands for <b>{part.route}</b> with{" "}
      {score(part.score)}.{" "}
      {part.route !== route
        ? `It keeps the text from ${route ?? "its route"}, which the whole text means.`
        : verdict === "ambiguous_route"
          ? "The whole text means no route, and other parts stand for others."
          : "The whole text means no route, so that this part chose."}
    </>
  );
}
