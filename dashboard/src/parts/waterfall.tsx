import type { Entry } from "../api";
import { milliseconds } from "../format";

type Step = { name: string; from: number; to: number; tone: string; about: string };

/** Where the time of a request went, step below step. */
export function Waterfall({ entry }: { entry: Entry }) {
  const steps = stepsOf(entry);
  const whole = Math.max(entry.total_ms ?? 0, ...steps.map((step) => step.to), 0.001);
  if (steps.length === 0) return <p class="muted">Its times come when it has ended.</p>;
  return (
    <ol class="waterfall">
      {steps.map((step) => (
        <li key={step.name}>
          <span class="fall-name" title={step.about}>
            {step.name}
          </span>
          <span class="fall-track">
            <span
              class={`fall-bar ${step.tone}`}
              style={{ left: `${(100 * step.from) / whole}%`, width: `${(100 * (step.to - step.from)) / whole}%` }}
            />
          </span>
          <span class="fall-value">{milliseconds(step.to - step.from)}</span>
        </li>
      ))}
      <li class="fall-total">
        <span class="fall-name">Total</span>
        <span class="fall-track" />
        <span class="fall-value">{milliseconds(entry.total_ms)}</span>
      </li>
    </ol>
  );
}

function stepsOf(entry: Entry): Step[] {
  const total = entry.total_ms;
  const decided = entry.decided_ms ?? (total !== null && entry.upstream_ms === null ? total : null);
  if (decided === null) return [];
  const model = Math.min(entry.model_ms ?? 0, decided);
  const steps: Step[] = [
    { name: "Read", from: 0, to: decided - model, tone: "own", about: "Reading the request and judging it" },
  ];
  if (model) {
    steps.push({ name: "Model", from: decided - model, to: decided, tone: "model", about: "The model and the wait for it" });
  }
  if (entry.upstream_ms !== null && total !== null) {
    // The decision is written down before the request goes on: what is left between the two is that.
    const answered = Math.min(Math.max(total, decided), decided + entry.upstream_ms);
    steps.push({ name: "Upstream", from: decided, to: answered, tone: "upstream", about: "Until its response began" });
    steps.push({ name: "Response", from: answered, to: Math.max(total, answered), tone: "own", about: "Until its last byte" });
  }
  return steps;
}
