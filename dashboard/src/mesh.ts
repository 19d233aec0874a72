// The geometry of the mesh: agents on one side, routes on the other, and between them a barrier where refusals end.
import { NO_ROUTE, UNIDENTIFIED } from "./catalogue";
import { KINDS, kindOf, type Kind } from "./verdict";

export type Flow = { agent: string; route: string; verdict: string; requests: number };

export type Ribbon = {
  key: string;
  agent: string;
  route: string;
  kind: Kind;
  requests: number;
  verdicts: string[];
  /** The outline of the ribbon, and the line along its middle. */
  path: string;
  spine: string;
  /** Where it ends, and how wide it is there. */
  end: { x: number; y: number; width: number };
};

export type Node = {
  name: string;
  x: number;
  y: number;
  height: number;
  requests: number;
  refused: number;
  /** Of a route: the part of its height that traffic gets through to; 0 where all was refused. */
  reached: number;
};

export type Mesh = {
  height: number;
  agents: Node[];
  routes: Node[];
  ribbons: Ribbon[];
  barrier: number;
  /** Where the barrier is open. */
  gates: [number, number][];
};

export const OTHERS = "(others)";
export const BAR = 8;
const MOST = 14;
const THINNEST = 1.5;
const IDLE = 5;

export type Frame = { width: number; narrow: boolean };

export function mesh(flows: Flow[], known: { agents: string[]; routes: string[] }, frame: Frame): Mesh {
  const agents = ranked(flows, "agent", known.agents);
  const routes = ranked(flows, "route", known.routes);
  const drawn = merged(flows, new Set(agents), new Set(routes));
  const gap = frame.narrow ? 46 : 30;
  const top = frame.narrow ? 66 : 30;
  const gutter = frame.narrow ? 0 : Math.min(176, frame.width * 0.17);
  const left = gutter;
  const right = frame.width - gutter - BAR;
  const barrier = right - Math.max(34, (right - left) * 0.16);
  const total = drawn.reduce((sum, each) => sum + each.requests, 0);
  const room = Math.max(200, Math.min(380, 60 * Math.max(agents.length, routes.length)));
  const scale = total ? room / total : 0;
  const width = (requests: number) => Math.max(THINNEST, requests * scale);

  const from = column(agents, (name) => drawn.filter((each) => each.agent === name), left, width);
  const to = column(routes, (name) => drawn.filter((each) => each.route === name), right, width);
  const height = top + Math.max(stack(from, gap), stack(to, gap)) + 14;
  spread(from, gap, top, height);
  spread(to, gap, top, height);

  const order = new Map(to.map((node, index) => [node.name, index]));
  const agentOrder = new Map(from.map((node, index) => [node.name, index]));
  const starts = new Map<string, number>();
  for (const node of from) {
    let y = node.y;
    const own = drawn
      .filter((each) => each.agent === node.name)
      .sort((a, b) => (order.get(a.route) ?? 0) - (order.get(b.route) ?? 0) || rank(a.kind) - rank(b.kind));
    for (const each of own) {
      starts.set(each.key, y);
      y += width(each.requests);
    }
  }
  const ribbons: Ribbon[] = [];
  const gates: [number, number][] = [];
  for (const node of to) {
    let y = node.y;
    const own = drawn
      .filter((each) => each.route === node.name)
      .sort((a, b) => rank(a.kind) - rank(b.kind) || (agentOrder.get(a.agent) ?? 0) - (agentOrder.get(b.agent) ?? 0));
    for (const each of own) {
      const across = width(each.requests);
      const stop = each.kind === "refused" ? barrier - 2 : right;
      const start = { x: left + BAR, y: starts.get(each.key) ?? 0 };
      ribbons.push({
        ...each,
        path: outline(start, { x: barrier - 2, y }, stop, across),
        spine: spine(start, { x: barrier - 2, y }, stop, across),
        end: { x: stop, y, width: across },
      });
      y += across;
      if (each.kind !== "refused") node.reached += across;
    }
    if (node.reached) gates.push([node.y, node.y + node.reached]);
  }
  return { height, agents: from, routes: to, ribbons, barrier, gates };
}

/** Refusals come last, so that they end below what gets through. */
function rank(kind: Kind): number {
  return ["passed", "fallback", "failed", "refused"].indexOf(kind);
}

function ranked(flows: Flow[], side: "agent" | "route", known: string[]): string[] {
  const sums = new Map<string, number>(known.map((name) => [name, 0]));
  for (const each of flows) sums.set(each[side], (sums.get(each[side]) ?? 0) + each.requests);
  const last = (name: string) => (name === NO_ROUTE || name === UNIDENTIFIED ? 1 : 0);
  const names = [...sums].sort((a, b) => last(a[0]) - last(b[0]) || b[1] - a[1]).map(([name]) => name);
  return names.length <= MOST ? names : [...names.slice(0, MOST - 1), OTHERS];
}

type Drawn = Omit<Ribbon, "path" | "spine" | "end">;

function merged(flows: Flow[], agents: Set<string>, routes: Set<string>): Drawn[] {
  const found = new Map<string, Drawn>();
  for (const each of flows) {
    if (!each.requests) continue;
    const agent = agents.has(each.agent) ? each.agent : OTHERS;
    const route = routes.has(each.route) ? each.route : OTHERS;
    const kind = kindOf(each.verdict);
    const key = keyOf(agent, route, kind);
    const before = found.get(key);
    if (before) {
      before.requests += each.requests;
      if (!before.verdicts.includes(each.verdict)) before.verdicts.push(each.verdict);
    } else {
      found.set(key, { key, agent, route, kind, requests: each.requests, verdicts: [each.verdict] });
    }
  }
  return [...found.values()];
}

export function keyOf(agent: string, route: string, kind: Kind): string {
  return JSON.stringify([agent, route, KINDS.indexOf(kind)]);
}

function column(names: string[], of: (name: string) => Drawn[], x: number, width: (requests: number) => number): Node[] {
  return names.map((name) => {
    const own = of(name);
    const height = own.reduce((sum, each) => sum + width(each.requests), 0);
    const requests = own.reduce((sum, each) => sum + each.requests, 0);
    const refused = own.filter((each) => each.kind === "refused").reduce((sum, each) => sum + each.requests, 0);
    return { name, x, y: 0, height: Math.max(IDLE, height), requests, refused, reached: 0 };
  });
}

function stack(nodes: Node[], gap: number): number {
  return nodes.reduce((sum, node) => sum + node.height, 0) + gap * Math.max(0, nodes.length - 1);
}

function spread(nodes: Node[], gap: number, top: number, height: number): void {
  const rest = height - top - 14 - stack(nodes, gap);
  const wider = gap + (nodes.length > 1 ? rest / (nodes.length - 1) : 0);
  let y = nodes.length > 1 ? top : top + rest / 2;
  for (const node of nodes) {
    node.y = y;
    y += node.height + wider;
  }
}

type Point = { x: number; y: number };

function outline(from: Point, to: Point, stop: number, width: number): string {
  const middle = (from.x + to.x) / 2;
  const below = (point: Point) => point.y + width;
  return (
    `M${from.x},${from.y}C${middle},${from.y} ${middle},${to.y} ${to.x},${to.y}H${stop}V${below(to)}H${to.x}` +
    `C${middle},${below(to)} ${middle},${below(from)} ${from.x},${below(from)}Z`
  );
}

function spine(from: Point, to: Point, stop: number, width: number): string {
  const middle = (from.x + to.x) / 2;
  const half = width / 2;
  return `M${from.x},${from.y + half}C${middle},${from.y + half} ${middle},${to.y + half} ${to.x},${to.y + half}H${stop}`;
}
