/** Where the marks of the evidence line stand. Pure: steps and a size in, coordinates out. */

import { scaleLinear } from "d3-scale";

import type { Spec, Step } from "../../../lib/types.ts";

export interface Frame {
  width: number;
  height: number;
  left: number;
  right: number;
  top: number;
  bottom: number;
  x: (n: number) => number;
  y: (share: number) => number;
  xTicks: number[];
  yTicks: number[];
  /** The number of observations under a place on the x axis. */
  nAt: (x: number) => number;
}

/** Win rates between which either answer is right. As `Spec.zone` of the server. */
export function zoneOf({ goal = "better", margin = 0.05 }: Pick<Spec, "goal" | "margin">): [number, number] {
  return goal === "better" ? [0.5, 0.5 + margin] : [0.5 - margin, 0.5];
}

/**
 * The frame of a chart. Early bounds reach from 0 to 100 % and would leave no room for what matters: the y axis holds the zone, the
 * win rate and the bounds of the later half; what stands out of it is cut off at its edge.
 */
export function frame(steps: readonly Step[], zone: [number, number], width: number, height: number): Frame {
  const narrow = width < 640;
  const [left, right, top, bottom] = [44, narrow ? 56 : 132, 12, 44];
  const last = steps.at(-1)?.n ?? 1;
  const later = steps.filter(({ n }) => n >= last * 0.4);
  const rates = steps.filter(({ n }) => n >= last * 0.12).map((step) => step.win_rate);
  const low = Math.min(zone[0] - 0.08, ...later.map((step) => step.low), ...rates, 0.38);
  const high = Math.max(zone[1] + 0.08, ...later.map((step) => step.high), ...rates, 0.62);
  const x = scaleLinear([0, Math.max(last, 4)], [left, width - right]);
  const y = scaleLinear([Math.max(0, low - 0.02), Math.min(1, high + 0.02)], [height - bottom, top]);
  return {
    width, height, left, right, top, bottom,
    x: (n) => x(n),
    y: (share) => y(share),
    xTicks: x.ticks(narrow ? 4 : 8).filter(Number.isInteger),
    yTicks: y.ticks(5),
    nAt: (place) => Math.round(x.invert(place)),
  };
}

/** The band between the bounds, as one closed path. */
export function band(steps: readonly Step[], at: Frame): string {
  if (steps.length === 0) return "";
  const [ahead, back] = [edge(steps, at, "high"), edge(steps, at, "low").reverse()];
  return `M${[...ahead, ...back].join("L")}Z`;
}

/** One edge of the band. Before the first observation nothing is known: it begins at 0 and at 100 %. */
export function edgeLine(steps: readonly Step[], at: Frame, which: "low" | "high"): string {
  return steps.length === 0 ? "" : `M${edge(steps, at, which).join("L")}`;
}

function edge(steps: readonly Step[], { x, y }: Frame, which: "low" | "high"): string[] {
  const first = `${fixed(x(0))} ${fixed(y(which === "low" ? 0 : 1))}`;
  return [first, ...steps.map((step) => `${fixed(x(step.n))} ${fixed(y(step[which]))}`)];
}

export function rateLine(steps: readonly Step[], { x, y }: Frame): string {
  return steps.length === 0 ? "" : `M${steps.map((step) => `${fixed(x(step.n))} ${fixed(y(step.win_rate))}`).join("L")}`;
}

/** The step at `n` observations, or the nearest. */
export function stepAt(steps: readonly Step[], n: number): Step | undefined {
  let best: Step | undefined;
  for (const step of steps) if (!best || Math.abs(step.n - n) < Math.abs(best.n - n)) best = step;
  return best;
}

/** At most about `most` steps, evenly spaced, the last always among them. */
export function thinned(steps: readonly Step[], most: number): { every: number; steps: Step[] } {
  const every = Math.max(1, Math.ceil(steps.length / most));
  return { every, steps: steps.filter((_, at) => (steps.length - 1 - at) % every === 0) };
}

/** Keeps labels at least `gap` apart, in their order from top to bottom. */
export function apart(places: readonly number[], gap: number): number[] {
  const out: number[] = [];
  for (const place of places) out.push(out.length === 0 ? place : Math.max(place, (out.at(-1) ?? 0) + gap));
  return out;
}

function fixed(value: number): string {
  return value.toFixed(1);
}
