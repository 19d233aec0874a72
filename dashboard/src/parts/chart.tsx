// A course over time. What is under the pointer stands in the legend, so that nothing covers the lines.
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { clock, dated } from "../format";
import { colour, theme } from "../theme";

export type Line = {
  name: string;
  /** The colour's name in the theme. */
  colour: string;
  values: (number | null)[];
  shown: (value: number | null) => string;
};

type Shape = "lines" | "stack";

const HEIGHT = 168;

export function Chart({
  label,
  at,
  lines,
  shape,
  unit,
}: {
  label: string;
  /** Seconds since the epoch. */
  at: number[];
  lines: Line[];
  shape: Shape;
  unit: (value: number) => string;
}) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const [under, setUnder] = useState<number | null>(null);
  const data = arranged(at, lines, shape);
  const latest = useRef(data);
  latest.current = data;
  const scheme = theme.value;
  const made = lines.map((line) => line.name + line.colour).join();

  useLayoutEffect(() => {
    const parent = box.current;
    if (!parent) return;
    const chart = new uPlot(options(lines, shape, unit, parent.clientWidth, setUnder), latest.current, parent);
    plot.current = chart;
    const watching = new ResizeObserver(() => chart.setSize({ width: parent.clientWidth, height: HEIGHT }));
    watching.observe(parent);
    return () => {
      watching.disconnect();
      chart.destroy();
      plot.current = null;
    };
  }, [scheme, made, shape]);

  useEffect(() => plot.current?.setData(data));

  // A step that has just begun may have nothing to say yet.
  const says = (index: number) => lines.some((line) => Boolean(line.values[index]));
  const last = at.length > 1 && !says(at.length - 1) ? at.length - 2 : at.length - 1;
  const place = under !== null && under < at.length ? under : last;
  const moment = at[place];
  return (
    <figure class="chart">
      <figcaption class="legend">
        {lines.map((line) => (
          <span key={line.name} class="legend-entry">
            <span class="swatch" style={{ background: `var(--${line.colour})` }} aria-hidden="true" />
            <span>{line.name}</span>
            <b>{line.shown(line.values[place] ?? null)}</b>
          </span>
        ))}
        <span class="legend-moment">{moment === undefined ? "" : under === null ? "latest" : clock(moment * 1000)}</span>
      </figcaption>
      <div ref={box} class="plot" role="img" aria-label={label} />
    </figure>
  );
}

function arranged(at: number[], lines: Line[], shape: Shape): uPlot.AlignedData {
  if (shape === "lines") return [at, ...lines.map((line) => line.values)];
  // The tallest is drawn first, and the ones below it over it.
  const sums: number[][] = [];
  const running = at.map(() => 0);
  for (const line of [...lines].reverse()) {
    line.values.forEach((value, index) => {
      running[index] = (running[index] ?? 0) + (value ?? 0);
    });
    sums.unshift([...running]);
  }
  return [at, ...sums];
}

/** Seconds from one moment to the next. */
function step(at: ArrayLike<number>): number {
  return at.length > 1 ? (at[at.length - 1] ?? 0) - (at[at.length - 2] ?? 0) : 0;
}

function options(
  lines: Line[],
  shape: Shape,
  unit: (value: number) => string,
  width: number,
  point: (index: number | null) => void,
): uPlot.Options {
  const grid = { stroke: colour("line"), width: 1 };
  const axis = {
    stroke: colour("muted"),
    font: '11px system-ui, -apple-system, "Segoe UI", sans-serif',
    ticks: { show: false },
  };
  const bars = uPlot.paths.bars?.({ size: [0.72, 14], align: 1 });
  return {
    width,
    height: HEIGHT,
    // The last label of the time stands half behind the last moment.
    padding: [8, 26, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { show: shape === "lines", size: 6 } },
    scales: {
      // A bar stands behind the moment at which its step begins: the last one needs room as well.
      x: { time: true, ...(shape === "stack" ? { range: (chart, from, to) => [from, to + step(chart.data[0])] } : {}) },
      y: { range: (_, __, most) => [0, (most > 0 ? most : 1) * 1.08] },
    },
    axes: [
      {
        ...axis,
        grid: { show: false },
        size: 26,
        space: 76,
        values: (_, splits) => splits.map((each, index) => tick(each, splits[index - 1])),
      },
      { ...axis, grid, size: 54, space: 34, values: (_, splits) => splits.map(unit) },
    ],
    series: [
      {},
      ...lines.map((line) =>
        shape === "stack"
          ? { stroke: colour(line.colour), fill: colour(line.colour), width: 0, points: { show: false }, ...(bars ? { paths: bars } : {}) }
          : { stroke: colour(line.colour), width: 1.75, points: { size: 4, filter: alone }, spanGaps: false },
      ),
    ],
    hooks: { setCursor: [(chart) => point(chart.cursor.idx ?? null)] },
  };
}

/** Values without neighbours, which no line joins: only a point shows them. */
function alone(chart: uPlot, series: number): number[] {
  const values = chart.data[series] ?? [];
  const has = (index: number) => values[index] !== null && values[index] !== undefined;
  return [...values.keys()].filter((index) => has(index) && !has(index - 1) && !has(index + 1));
}

function tick(at: number, before: number | undefined): string {
  const day = (seconds: number) => new Date(seconds * 1000).toDateString();
  if (before !== undefined && at - before >= 86_400) return dated(at * 1000).slice(0, 6);
  if (before !== undefined && day(at) !== day(before)) return dated(at * 1000).slice(0, 12);
  return clock(at * 1000).slice(0, before !== undefined && at - before < 60 ? 8 : 5);
}
