/** The numbers of a run as a reader needs them. */

import { duration } from "../../lib/format.ts";
import type { Interval, BenchOutcome } from "../../lib/types.ts";
import { language, t, tOr, type Key } from "../../lib/words.svelte.ts";

/** From so many observations on, a tenth of a percent is less than the interval and still tells counts apart. */
const MANY = 100;

/** Outcomes in the order of the bar: what counts as right first, what says nothing of the model last. */
export const OUTCOMES: Record<BenchOutcome, Key> = {
  right: "sample.right", graded: "sample.graded", wrong: "sample.wrong", unparsed: "sample.unparsed",
  refused: "sample.refused", truncated: "sample.truncated", timeout: "sample.timeout", error: "sample.error",
};
export const IN_ORDER = Object.keys(OUTCOMES) as BenchOutcome[];

/** A share of `n` observations, in percent. */
export function share(value: number, n: number): string {
  return t("percent", { n: digits(value, n) });
}

function digits(value: number, n: number): string {
  const places = n >= MANY ? 1 : 0;
  return new Intl.NumberFormat(language(), { minimumFractionDigits: places, maximumFractionDigits: places }).format(value * 100);
}

export function range({ low, high, n }: Interval): string {
  return low === null || high === null ? "" : t("interval.of", { low: digits(low, n), high: share(high, n) });
}

/** Why a number, or its interval, is missing. */
export function why({ reason }: Interval): string {
  return reason === null ? t("figure.none") : tOr(`noFigure.${reason}`, reason.replaceAll("_", " "));
}

/** A difference of two shares, in points and with its sign. */
export function points(value: number): string {
  return t("points", { n: signedPoints(value) });
}

export function signedPoints(value: number): string {
  const size = digits(Math.abs(value), MANY);
  return Number(size) === 0 ? size : value > 0 ? `+${size}` : `−${size}`;
}

/** How much longer it takes, in the two largest units: `3 h 20 min`. */
export function timeLeft(seconds: number): string {
  const write = (value: number, unit: string) => new Intl.NumberFormat(language(), { style: "unit", unit, unitDisplay: "short", maximumFractionDigits: 0 }).format(value);
  const minutes = Math.floor(seconds / 60);
  if (minutes < 1) return write(Math.ceil(seconds), "second");
  if (minutes < 60) return write(minutes, "minute");
  return `${write(Math.floor(minutes / 60), "hour")} ${write(minutes % 60, "minute")}`;
}

export const micros = (us: number) => duration(us / 1000, language());

/** How often something happens: in a second, or in a minute where that is less than once. */
export function rate(perSecond: number): string {
  const [key, value] = perSecond >= 1 ? (["rate.second", perSecond] as const) : (["rate.minute", perSecond * 60] as const);
  return t(key, { n: new Intl.NumberFormat(language(), { maximumSignificantDigits: 2 }).format(value) });
}

/** The page of one sample. An id may hold a slash. */
export function samplePath(run: string, sample: string, epoch: number): string {
  return `/bench/${run}/samples/${encodeURIComponent(sample)}/${epoch}`;
}
