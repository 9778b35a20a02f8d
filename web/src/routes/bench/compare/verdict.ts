/** What a comparison of two runs says, as a sentence. */

import type { Values } from "../../../lib/message.ts";
import type { ComparedRuns, Flip } from "../../../lib/types.ts";
import type { Key } from "../../../lib/words.svelte.ts";
import { points } from "../figures.ts";

/** Who is better, or why that cannot be told. */
export function verdict({ a, b, found }: Pick<ComparedRuns, "found"> & { a: { model: string }; b: { model: string } }): { key: Key; values: Values } {
  if (found.verdict === "A better") return { key: "compared.better", values: { better: a.model, worse: b.model } };
  if (found.verdict === "B better") return { key: "compared.better", values: { better: b.model, worse: a.model } };
  const { difference, detectable } = found.score;
  if (difference.reason === "errors") return { key: "compared.errors", values: {} };
  if (detectable === null) return { key: "compared.same", values: {} };
  return { key: "compared.cannotTell", values: { n: found.questions, least: points(detectable).replace("+", "") } };
}

/** A p value to two digits, or that it is smaller than anything worth telling. */
export function pValue(p: number, language: string): string {
  const write = (value: number) => new Intl.NumberFormat(language, { maximumSignificantDigits: 2 }).format(value);
  return p < 0.0001 ? `< ${write(0.0001)}` : write(p);
}

/** The scale on which a difference is drawn: zero in the middle, all of the interval within, in steps of 10 points. */
export function reach(...ends: Array<number | null>): number {
  const most = Math.max(0.1, ...ends.map((end) => Math.abs(end ?? 0)));
  return Math.min(1, Math.ceil(most * 10) / 10);
}

/** Flips of both sides, the largest differences first. */
export function inOrder(better_a: readonly Flip[], better_b: readonly Flip[]): Flip[] {
  return [...better_a, ...better_b].sort((one, other) => Math.abs(other.a - other.b) - Math.abs(one.a - one.b));
}
