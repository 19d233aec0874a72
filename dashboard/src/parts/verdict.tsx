import { aboutOf, kindOf } from "../verdict";
import { KindIcon } from "./icons";

/** A verdict: its kind by sign and colour, its code as logs have it. */
export function Verdict({ verdict, status }: { verdict: string; status?: number | null }) {
  const kind = kindOf(verdict);
  return (
    <span class={`verdict ${kind}`} title={aboutOf(verdict)}>
      <KindIcon kind={kind} />
      <span class="verdict-code">{verdict}</span>
      {status ? <span class="verdict-status">{status}</span> : null}
    </span>
  );
}
