/** The numbers of a challenge as a reader needs them: no decimal that the interval does not carry. */

import type { Estimate, Metric } from "../../lib/types.ts";
import { language, t, tOr } from "../../lib/words.svelte.ts";

type Of = Pick<Metric, "name" | "unit"> & Partial<Pick<Metric, "challenger" | "incumbent">>;
/** Shares are written in whole percent, unless the interval is narrower than this. */
const FINE = 0.02;

/** A share as `58 %`; `width` is that of its interval. */
export function percent(share: number, width = 1): string {
  return t("percent", { n: percentDigits(share, language(), width) });
}

/** A share in percent, without the sign. */
export function percentDigits(share: number, language: string, width = 1): string {
  const places = width < FINE ? 1 : 0;
  return minus(new Intl.NumberFormat(language, { maximumFractionDigits: places }).format(round(share * 100, places)));
}

const FINEST = 4;

/** A bound of a win rate, with as many decimals as show on which side it lies of one half, and of one half less or plus the margin:
 * what was shown must not be rounded away. */
export function bound(share: number, margin: number | undefined): string {
  const edges = [0.5 - (margin ?? 0.05), 0.5, 0.5 + (margin ?? 0.05)];
  const side = (value: number, edge: number): number => Math.sign(round((value - edge) * 100, 9));
  let places = 0;
  while (places < FINEST && edges.some((edge) => side(round(share * 100, places) / 100, edge) !== side(share, edge))) places++;
  const written = new Intl.NumberFormat(language(), { minimumFractionDigits: places, maximumFractionDigits: places }).format(round(share * 100, places));
  return t("percent", { n: minus(written) });
}

/** A value of a metric in its own unit: money, time, a share, a count. */
export function measured(metric: Of, value: number, width = Math.abs(value)): string {
  switch (kindOf(metric)) {
    case "money":
      return minus(new Intl.NumberFormat(language(), { style: "currency", currency: metric.unit, currencyDisplay: "narrowSymbol", ...digits(value, width) }).format(value));
    case "time":
      return time(metric, value, width);
    case "share":
      return percent(value, width);
    case "count":
      return minus(new Intl.NumberFormat(language(), { maximumFractionDigits: width < 10 ? 1 : 0 }).format(value));
  }
}

/** One unit for a row: seconds where either contestant takes that long, else milliseconds. */
function time({ challenger, incumbent }: Of, value: number, width: number): string {
  const inSeconds = Math.max(value, challenger?.value ?? 0, incumbent?.value ?? 0) >= 1000;
  const [unit, size] = inSeconds ? (["second", value / 1000] as const) : (["millisecond", value] as const);
  const places = inSeconds ? (width < 500 ? 2 : 1) : 0;
  return minus(new Intl.NumberFormat(language(), { style: "unit", unit, unitDisplay: "narrow", minimumFractionDigits: places, maximumFractionDigits: places }).format(size));
}

/** A difference, always with its sign; that of two shares is in points. */
export function difference(metric: Of, value: number, width = Math.abs(value)): string {
  const size = Math.abs(value);
  const text = kindOf(metric) === "share" ? t("points", { n: percentDigits(size, language(), width) }) : measured(metric, size, width);
  return value > 0 ? `+${text}` : value < 0 ? `−${text}` : text;
}

/** The ends of a difference's interval: in points without saying so twice. */
export function differenceEnd(metric: Of, value: number, width: number): string {
  return kindOf(metric) === "share" ? signed(value * 100, width < FINE ? 1 : 0) : difference(metric, value, width);
}

/** A number with its sign. */
export function signed(value: number, places: number): string {
  return minus(new Intl.NumberFormat(language(), { maximumFractionDigits: places, signDisplay: "exceptZero" }).format(value));
}

/** From where to where, or what is known of it, or why nothing is. */
export function rangeOf(estimate: Estimate, write: (value: number) => string): string {
  const { low, high } = estimate;
  if (low !== null && high !== null) return t("interval.of", { low: write(low), high: write(high) });
  if (low !== null) return t("interval.least", { low: write(low) });
  if (high !== null) return t("interval.most", { high: write(high) });
  return why(estimate);
}

/** Why a number, or its interval, is missing. */
export function why({ reason }: Estimate): string {
  return reason === null ? t("why.no_data") : tOr(`why.${reason}`, reason.replaceAll("_", " "));
}

export function widthOf({ low, high }: Estimate): number {
  return low !== null && high !== null ? high - low : 1;
}

export type MetricKind = "money" | "time" | "share" | "count";

export function kindOf({ name, unit }: Of): MetricKind {
  if (name.startsWith("cost")) return "money";
  if (unit === "ms") return "time";
  return unit === "share" ? "share" : "count";
}

export type Leaning = "better" | "worse" | "higher" | "lower" | "same" | "unknown";

/** What the paired difference says: its interval leaves out none, or it does not. */
export function leaning({ difference, better }: Pick<Metric, "difference" | "better">): Leaning {
  const { low, high } = difference;
  if (low === null || high === null) return "unknown";
  if (low <= 0 && high >= 0) return "same";
  const side = low > 0 ? "higher" : "lower";
  return better === null ? side : side === better ? "better" : "worse";
}

function digits(value: number, width: number): Intl.NumberFormatOptions {
  const size = Math.max(Math.abs(value), Math.abs(width));
  return size !== 0 && size < 0.1 ? { maximumSignificantDigits: 2 } : { minimumFractionDigits: 2, maximumFractionDigits: 2 };
}

/** Never `-0`. */
function round(value: number, places: number): number {
  const factor = 10 ** places;
  return Math.round(value * factor) / factor || 0;
}

/** A true minus sign. */
function minus(text: string): string {
  return text.replace("-", "−");
}
