// The mesh as it is drawn: agents and routes, ribbons between them, the barrier of policy, and a dot for each decision.
import { useEffect, useRef, useState } from "preact/hooks";
import type { Entry, Stats } from "../api";
import { ANONYMOUS, FALLBACK, NO_ROUTE, UNIDENTIFIED, type Catalogue } from "../catalogue";
import { spanName } from "./filters";
import { Empty } from "./states";
import { count, requests } from "../format";
import { BAR, keyOf, mesh, OTHERS, type Mesh as Drawing, type Node, type Ribbon } from "../mesh";
import { filter, link, span } from "../place";
import { useStream } from "../stream";
import { stillness } from "../theme";
import { KINDS, kindOf } from "../verdict";

const MOST_DOTS = 48;
const NARROW = 620;

export function Picture({ links, catalogue }: { links: Stats["links"]; catalogue: Catalogue | null }) {
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  const [under, setUnder] = useState<{ agent?: string; route?: string; key?: string } | null>(null);
  useEffect(() => {
    const parent = box.current;
    if (!parent) return;
    const watching = new ResizeObserver(() => setWidth(Math.floor(parent.clientWidth)));
    watching.observe(parent);
    return () => watching.disconnect();
  }, []);
  const narrow = width < NARROW;
  const known = {
    agents: catalogue?.agents.agents.map((agent) => agent.name) ?? [],
    routes: [
      ...(catalogue?.routes.routes.map((route) => route.name) ?? []),
      ...(catalogue?.routes.fallback ? [FALLBACK] : []),
    ],
  };
  const groups = new Map(catalogue?.agents.agents.map((agent) => [agent.name, agent.groups]) ?? []);
  const drawing = mesh(links, known, { width: Math.max(width, 300), narrow });
  const given = filter.value;
  const focus = under ?? (given.agent || given.route ? { agent: given.agent, route: given.route } : null);
  const lit = (ribbon: Ribbon) =>
    !focus ||
    ("key" in focus && focus.key !== undefined
      ? ribbon.key === focus.key
      : (!focus.agent || focus.agent === ribbon.agent) && (!focus.route || focus.route === ribbon.route));
  const dots = useDots(drawing);
  return (
    <div ref={box} class={focus ? "mesh focused" : "mesh"}>
      {width ? (
        <svg viewBox={`0 0 ${width} ${drawing.height}`} width={width} height={drawing.height} role="group" aria-label="The mesh">
          <Shades drawing={drawing} />
          <Barrier drawing={drawing} narrow={narrow} />
          <g class="ribbons">
            {[...drawing.ribbons]
              .sort((a, b) => b.requests - a.requests)
              .map((ribbon) => (
                <Strand key={ribbon.key} ribbon={ribbon} lit={lit(ribbon)} point={setUnder} />
              ))}
          </g>
          <g ref={dots} class="dots" aria-hidden="true" />
          {drawing.agents.map((node) => (
            <NodeMark
              key={`a ${node.name}`}
              node={node}
              groups={groups.get(node.name)}
              side="agent"
              narrow={narrow}
              width={width}
              point={setUnder}
            />
          ))}
          {drawing.routes.map((node) => (
            <NodeMark key={`r ${node.name}`} node={node} side="route" narrow={narrow} width={width} point={setUnder} />
          ))}
        </svg>
      ) : null}
      {links.length === 0 ? (
        <Empty title={`No traffic in the last ${spanName(span.value)}`}>
          These are the agents and routes of the configuration. Their traffic joins them as it comes.
        </Empty>
      ) : null}
    </div>
  );
}

/** Each kind of ribbon grows denser on its way, so that the eye follows the direction. */
function Shades({ drawing }: { drawing: Drawing }) {
  const from = drawing.agents[0]?.x ?? 0;
  return (
    <defs>
      {KINDS.map((kind) => (
        <linearGradient
          key={kind}
          id={`shade-${kind}`}
          class={`shade-${kind}`}
          gradientUnits="userSpaceOnUse"
          x1={from}
          x2={drawing.barrier}
          y1={0}
          y2={0}
        >
          <stop offset="0" stop-opacity={0.5} />
          <stop offset="1" stop-opacity={1} />
        </linearGradient>
      ))}
    </defs>
  );
}

/** The line that policy draws: closed, but for where traffic gets through. */
function Barrier({ drawing, narrow }: { drawing: Drawing; narrow: boolean }) {
  const { barrier: x, height, gates } = drawing;
  const pieces: [number, number][] = [];
  let from = narrow ? 24 : 20;
  for (const [top, bottom] of [...gates].sort((a, b) => a[0] - b[0])) {
    if (top - 1.5 > from) pieces.push([from, top - 1.5]);
    from = bottom + 1.5;
  }
  if (from < height - 4) pieces.push([from, height - 4]);
  return (
    <g class="barrier" aria-hidden="true">
      <text x={x} y={12} text-anchor="middle">
        policy
      </text>
      {pieces.map(([top, bottom]) => (
        <line key={`${top}`} x1={x} x2={x} y1={top} y2={bottom} />
      ))}
    </g>
  );
}

type Point = (focus: { agent?: string; route?: string; key?: string } | null) => void;

function Strand({ ribbon, lit, point }: { ribbon: Ribbon; lit: boolean; point: Point }) {
  const refused = ribbon.kind === "refused";
  const about = `${ribbon.agent} to ${ribbon.route}: ${requests(ribbon.requests)}, ${ribbon.verdicts.join(", ")}`;
  const other = ribbon.agent === OTHERS || ribbon.route === OTHERS;
  const verdict = ribbon.verdicts.length === 1 ? (ribbon.verdicts[0] ?? null) : refused ? "refused" : null;
  return (
    <a
      href={other ? link("mesh") : link("feed", { agent: ribbon.agent, route: ribbon.route, verdict })}
      class={`ribbon ${ribbon.kind}${lit ? "" : " dim"}`}
      aria-label={about}
      onMouseEnter={() => point({ key: ribbon.key })}
      onMouseLeave={() => point(null)}
      onFocus={() => point({ key: ribbon.key })}
      onBlur={() => point(null)}
    >
      <title>{about}</title>
      <path d={ribbon.path} />
      {refused ? (
        <rect class="stop" x={ribbon.end.x - 1} y={ribbon.end.y} width={5} height={ribbon.end.width} rx={1} />
      ) : null}
    </a>
  );
}

function NodeMark({
  node,
  groups = [],
  side,
  narrow,
  width,
  point,
}: {
  node: Node;
  groups?: string[] | undefined;
  side: "agent" | "route";
  narrow: boolean;
  width: number;
  point: Point;
}) {
  const isAgent = side === "agent";
  const chosen = filter.value[side] === node.name;
  const through = node.requests - node.refused;
  const nobody = node.name === NO_ROUTE;
  const figures = node.requests
    ? isAgent
      ? requests(node.requests)
      : nobody || !through
        ? `${count(node.refused)} refused`
        : `${count(through)} in${node.refused ? `, ${count(node.refused)} refused` : ""}`
    : "idle";
  const name = nobody ? "no route" : node.name;
  const member = groups.length ? `, in ${groups.join(", ")}` : "";
  const anchor = isAgent === narrow ? "start" : "end";
  const x = narrow ? (isAgent ? node.x : node.x + BAR) : isAgent ? node.x - 10 : node.x + BAR + 10;
  const y = narrow ? node.y - 18 : node.y + node.height / 2 - 2;
  const bar = isAgent ? node.height : nobody ? 0 : node.reached || (node.requests ? 0 : node.height);
  const room = narrow ? width / 2 - 14 : (isAgent ? node.x : width - node.x - BAR) - 14;
  return (
    <a
      href={node.name === OTHERS ? link("mesh") : link("mesh", { [side]: chosen ? null : node.name })}
      class={`node${chosen ? " chosen" : ""}${node.requests ? "" : " idle"}`}
      aria-label={`${side} ${name}${member}: ${figures}`}
      aria-current={chosen ? "true" : undefined}
      onMouseEnter={() => point({ [side]: node.name })}
      onMouseLeave={() => point(null)}
      onFocus={() => point({ [side]: node.name })}
      onBlur={() => point(null)}
    >
      <title>{`${node.name}${member}`}</title>
      <rect
        class="hit"
        x={isAgent ? Math.min(node.x, x - (anchor === "end" ? room : 0)) : anchor === "end" ? x - room : node.x}
        y={Math.min(node.y, y - 14) - 3}
        width={room + BAR + 10}
        height={Math.max(node.height, 36) + 8 + (narrow ? 20 : 0)}
        rx={6}
      />
      {bar ? <rect class="node-bar" x={node.x} y={node.y} width={BAR} height={bar} rx={2} /> : null}
      <text class="node-name" x={x} y={y} text-anchor={narrow ? (isAgent ? "start" : "end") : isAgent ? "end" : "start"}>
        {fitted(name, room, 7.4)}
      </text>
      <text
        class={node.refused && !isAgent ? "node-figures some" : "node-figures"}
        x={x}
        y={y + 14}
        text-anchor={narrow ? (isAgent ? "start" : "end") : isAgent ? "end" : "start"}
      >
        {fitted(figures, room, 6.2)}
      </text>
    </a>
  );
}

function fitted(text: string, room: number, each: number): string {
  const most = Math.max(4, Math.floor(room / each));
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}

/** A dot for each decision as it happens, along its ribbon: to its route, or no further than the barrier. */
function useDots(drawing: Drawing) {
  const layer = useRef<SVGGElement>(null);
  const ribbons = useRef(new Map<string, Ribbon>());
  ribbons.current = new Map(drawing.ribbons.map((ribbon) => [ribbon.key, ribbon]));
  useStream({}, (happening) => {
    if (happening.kind !== "decision" || stillness.matches || document.hidden) return;
    const parent = layer.current;
    const ribbon = ribbonOf(happening.entry, ribbons.current);
    if (!parent || !ribbon || parent.childElementCount >= MOST_DOTS) return;
    const dot = document.createElementNS("http://www.w3.org/2000/svg", "circle");
    dot.setAttribute("r", "3");
    dot.setAttribute("class", `dot-${ribbon.kind}`);
    dot.style.offsetPath = `path("${ribbon.spine}")`;
    dot.style.offsetRotate = "0deg";
    parent.append(dot);
    const refused = ribbon.kind === "refused";
    const moving = dot.animate(
      [
        { offsetDistance: "0%", opacity: 0 },
        { offsetDistance: "8%", opacity: 1, offset: 0.08 },
        { offsetDistance: "100%", opacity: 1, offset: 0.86, transform: "scale(1)" },
        { offsetDistance: "100%", opacity: 0, transform: refused ? "scale(3.2)" : "scale(1)" },
      ],
      { duration: 1500, easing: "cubic-bezier(.45,.05,.55,.95)" },
    );
    moving.onfinish = () => dot.remove();
  });
  return layer;
}

function ribbonOf(entry: Entry, ribbons: Map<string, Ribbon>): Ribbon | undefined {
  const agent = entry.agent ?? (entry.identity === null ? UNIDENTIFIED : ANONYMOUS);
  return ribbons.get(keyOf(agent, entry.route ?? NO_ROUTE, kindOf(entry.verdict)));
}
