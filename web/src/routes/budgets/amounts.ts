/** What a budget is counted in, in words. */

import { count, money } from "../../lib/format.ts";
import type { Measure, Per, ShownBudget } from "../../lib/types.ts";
import { language, t, type Key } from "../../lib/words.svelte.ts";

export const MEASURES: Record<Measure, Key> = { money: "measure.money", tokens: "measure.tokens", requests: "measure.requests" };
export const PERS: Record<Per, Key> = { hour: "per.hour", day: "per.day", week: "per.week", month: "per.month", total: "per.total" };

type Counted = Pick<ShownBudget, "measure" | "currency">;

/** An amount with its unit: `$12.50`, `4,000 tokens`. */
export function amountOf({ measure, currency }: Counted, amount: number): string {
  if (measure === "money") return money({ nano: amount, currency }, language());
  return t(measure === "tokens" ? "amount.tokens" : "amount.requests", { n: count(amount, language()) });
}

/** An amount beside another that says the unit: `$12.50`, `4,000`. */
export function bareOf({ measure, currency }: Counted, amount: number): string {
  return measure === "money" ? money({ nano: amount, currency }, language()) : count(amount, language());
}

/** An amount as the field to change it has it: `12.5`. */
export function asField({ measure }: Counted, amount: number): string {
  return measure === "money" ? String(amount / 1e9) : String(amount);
}

/** What the server takes for an amount: decimal text for money, else a whole number. */
export function asSent(measure: Measure, text: string): string | number {
  return measure === "money" ? text.trim() : Number(text);
}

/** How much of a budget is gone, what is set aside for calls under way included: 0 and up. */
export function shareOf({ amount, used, reserved }: ShownBudget): number {
  return amount > 0 ? (used + reserved) / amount : 1;
}
