import type { Schemas } from "../api";
import { score } from "../format";

/** The scores of all routes as bars, with what each needed, and how close to the best a second would be too close. */
export function Scores({
  scores,
  route,
  threshold,
}: {
  scores: Schemas["RouteScore"][];
  route: string | null;
  threshold: number | null;
}) {
  const best = scores[0];
  const close = best && threshold !== null ? Math.max(0, best.score - threshold) : null;
  return (
    <div class="scores">
      <ol class="score-list">
        {scores.map((each) => {
          const enough = each.score >= each.min_score;
          const contends = enough && close !== null && each !== best && each.score > close;
          return (
            <li key={each.route} class={each.route === route ? "score-row best" : "score-row"}>
              <span class="score-name">{each.route}</span>
              <span class="score-track">
                <span
                  class={`score-bar ${enough ? (contends ? "contends" : "enough") : "low"}`}
                  style={{ width: `${100 * each.score}%` }}
                />
                {close !== null && best ? (
                  <span
                    class="score-band"
                    style={{ left: `${100 * close}%`, width: `${100 * (best.score - close)}%` }}
                    aria-hidden="true"
                  />
                ) : null}
                <span class="score-needed" style={{ left: `${100 * each.min_score}%` }} aria-hidden="true" />
              </span>
              <span class="score-value">{score(each.score)}</span>
              <span class="unseen">
                needs {score(each.min_score)}, {enough ? "enough" : "too low"}
              </span>
            </li>
          );
        })}
      </ol>
      <p class="key">
        <span>
          <i class="key-needed" /> needed to match (min_score)
        </span>
        {threshold === null ? null : (
          <span>
            <i class="key-band" /> a second route in here makes it ambiguous ({threshold})
          </span>
        )}
      </p>
    </div>
  );
}
