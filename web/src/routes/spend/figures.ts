/** What spend is made of, ready to be drawn: days as columns, the largest parts of each, and the rest. */

import type { SpendRow, SpentMoney } from "../../lib/types.ts";

export const BYS = ["model", "provider", "team", "user", "key"] as const;
export type By = (typeof BYS)[number];
export const OFS = ["cost", "tokens", "calls"] as const;
export type Of = (typeof OFS)[number];

/** So many parts have a colour of their own. */
export const PARTS = 5;
export const RANGES: Readonly<Record<string, number>> = { "7d": 7, "30d": 30, "90d": 90 };
const DAY = 86_400_000;

export interface Column {
  /** `2026-11-22`, of UTC. */
  day: string;
  total: number;
  /** In the order of the parts; the rest comes last. */
  parts: number[];
}

/** The days of the last `days`, today of UTC the last. */
export function lastDays(days: number, now: number): { since: string; until: string } {
  const of = (at: number) => new Date(at).toISOString().slice(0, 10);
  return { since: of(now - (days - 1) * DAY), until: of(now + DAY) };
}

export function tokensOf(row: SpendRow): number {
  return row.input_tokens + row.cache_read_tokens + row.cache_write_tokens + row.output_tokens;
}

/** How much a row comes to, in nano-units of `currency` where cost is asked for. */
export function valueOf(row: SpendRow, of: Of, currency: string): number {
  if (of === "calls") return row.calls;
  if (of === "tokens") return tokensOf(row);
  return row.costs.find((cost) => cost.currency === currency)?.nano ?? 0;
}

/** The currency that most was spent in. */
export function mainCurrency(rows: ReadonlyArray<SpendRow>): string {
  const sums = new Map<string, number>();
  for (const { costs } of rows) for (const { currency, nano } of costs) sums.set(currency, (sums.get(currency) ?? 0) + nano);
  return [...sums].sort(([, one], [, other]) => other - one)[0]?.[0] ?? "USD";
}

/** All days from `since` up to before `until`, those on which nothing was spent too. */
export function columns(since: string, until: string, whole: ReadonlyArray<SpendRow>, parts: ReadonlyArray<ReadonlyArray<SpendRow>>, value: (row: SpendRow) => number): Column[] {
  const byDay = (rows: ReadonlyArray<SpendRow>) => new Map(rows.map((row) => [row.what, value(row)]));
  const [all, ...each] = [whole, ...parts].map(byDay);
  const found: Column[] = [];
  for (let at = Date.parse(since); at < Date.parse(until); at += DAY) {
    const day = new Date(at).toISOString().slice(0, 10);
    const total = all?.get(day) ?? 0;
    const own = each.map((one) => one.get(day) ?? 0);
    found.push({ day, total, parts: [...own, Math.max(0, total - own.reduce((sum, one) => sum + one, 0))] });
  }
  return found;
}

/** Whether an amount holds estimates, so that its interval is wider than nothing. */
export function isEstimate({ nano, low, high }: SpentMoney): boolean {
  return low !== nano || high !== nano;
}
