// The few signs that the page uses, drawn as lines in the colour of the text beside them.
import type { Kind } from "../verdict";

type Sign = "passed" | "fallback" | "refused" | "failed" | "close" | "pause" | "play" | "sun" | "moon" | "system";

const LINES: Record<Sign, string> = {
  passed: "M3 8h9M8.5 4.5 12 8l-3.5 3.5",
  fallback: "M3 4v3.5A2.5 2.5 0 0 0 5.5 10H12M9 7l3 3-3 3",
  refused: "M4.5 4.5l7 7M11.5 4.5l-7 7",
  failed: "M8 3.5v5.5M8 12v.5",
  close: "M4 4l8 8M12 4l-8 8",
  pause: "M5.5 4v8M10.5 4v8",
  play: "M5.5 4v8l6.5-4z",
  sun: "M8 5.2A2.8 2.8 0 1 0 8 10.8 2.8 2.8 0 0 0 8 5.2zM8 1.5v1.2M8 13.3v1.2M1.5 8h1.2M13.3 8h1.2M3.4 3.4l.9.9M11.7 11.7l.9.9M12.6 3.4l-.9.9M4.3 11.7l-.9.9",
  moon: "M13 9.6A5.6 5.6 0 0 1 6.4 3 5.6 5.6 0 1 0 13 9.6z",
  system: "M2 3.5h12v7.5H2zM6 13.5h4",
};

export function Icon({ sign }: { sign: Sign }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" aria-hidden="true">
      <path d={LINES[sign]} />
    </svg>
  );
}

export function KindIcon({ kind }: { kind: Kind }) {
  return <Icon sign={kind} />;
}
