/** Numbers as a reader needs them: no decimal that means nothing, the unit said, the language's own digits and dates. */

import type { Money, PriceTag } from "./types.ts";

const numbers = new Map<string, Intl.NumberFormat>();

/** The formatter of these options. To make one takes longer than to write a thousand numbers with it. */
function numberFormat(language: string, options?: Intl.NumberFormatOptions): Intl.NumberFormat {
  const key = language + JSON.stringify(options);
  let known = numbers.get(key);
  if (!known) numbers.set(key, (known = new Intl.NumberFormat(language, options)));
  return known;
}

/** A rating, to the whole point: intervals are tens of points wide. */
export function rating(value: number, language: string): string {
  return numberFormat(language, { maximumFractionDigits: 0, useGrouping: false }).format(value);
}

/** The interval as distances from the rating: `["+12", "−11"]`. */
export function margins(value: number, low: number, high: number): [string, string] {
  const [point, top, bottom] = [value, high, low].map(Math.round) as [number, number, number];
  return [`+${top - point}`, `−${point - bottom}`];
}

/** `2–5`, or `2` where both ends are equal. */
export function rankRange(low: number, high: number): string {
  return low === high ? String(low) : `${low}–${high}`;
}

export function count(value: number, language: string): string {
  return numberFormat(language).format(value);
}

/** Large token counts: 128 K, 1 M (powers of ten, as providers write them). */
export function tokens(value: number): string {
  return numberFormat("en", { notation: "compact", maximumFractionDigits: 1 }).format(value);
}

/** A duration in the unit that a person would use, two significant digits below ten seconds. */
export function duration(ms: number, language: string): string {
  const unit = ms < 1000 ? "millisecond" : "second";
  const value = ms >= 1000 ? ms / 1000 : ms < 10 ? ms : Math.round(ms);
  return numberFormat(language, { style: "unit", unit, unitDisplay: "narrow", maximumSignificantDigits: value < 10 ? 2 : 3 }).format(value);
}

/** An amount; small ones to two significant digits, since a cent is much for an answer. */
export function money(amount: Money, language: string): string {
  const value = amount.nano / 1e9;
  const small = value !== 0 && Math.abs(value) < 0.1;
  return numberFormat(language, {
    style: "currency",
    currency: amount.currency,
    currencyDisplay: "narrowSymbol",
    ...(small ? { maximumSignificantDigits: 2 } : { minimumFractionDigits: 2, maximumFractionDigits: 2 }),
  }).format(value);
}

/** The price of a million tokens: `$0.15 / $0.60`. */
export function price(tag: PriceTag, language: string): string {
  const one = (nano: number) => money({ nano, currency: tag.currency }, language);
  return `${one(tag.input)} / ${one(tag.output)}`;
}

export function day(iso: string, language: string): string {
  return new Intl.DateTimeFormat(language, { dateStyle: "medium" }).format(new Date(iso));
}

export function moment(iso: string, language: string): string {
  return new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" }).format(new Date(iso));
}

/** A moment to the second, for looking something up in a log. */
export function precise(iso: string, language: string): string {
  return new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "medium" }).format(new Date(iso));
}

/** A cell of a CSV file; what a spreadsheet would run as a formula is quoted into text. */
export function csvCell(value: string | number | null): string {
  if (value === null) return "";
  const text = String(value);
  const safe = typeof value === "string" && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export function csv(rows: ReadonlyArray<ReadonlyArray<string | number | null>>): string {
  return rows.map((row) => row.map(csvCell).join(",")).join("\r\n") + "\r\n";
}
