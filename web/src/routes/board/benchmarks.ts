/** Scores of benchmarks on the board: which column holds which, and how they are written. */

import type { BoardBenchmark, BoardScore } from "../../lib/types.ts";
import { language, t } from "../../lib/words.svelte.ts";

/** So many columns of benchmarks find room beside the ratings. */
export const BESIDE = 2;

/** The columns that are shown: the one that was chosen, or those with the most models. */
export function chosenColumns(benchmarks: readonly BoardBenchmark[], chosen: string): BoardBenchmark[] {
  const found = benchmarks.find(({ task }) => task === chosen);
  return found ? [found] : chosen === "none" ? [] : benchmarks.slice(0, BESIDE);
}

/** The score of a column: only one of the same recipe measures the same thing. */
export function scoreOf(scores: readonly BoardScore[], { task, recipe }: BoardBenchmark): BoardScore | undefined {
  return scores.find((score) => score.task === task && score.recipe === recipe);
}

const points = () => new Intl.NumberFormat(language(), { minimumFractionDigits: 1, maximumFractionDigits: 1 });

export function shareOf(value: number): string {
  return t("percent", { n: points().format(value * 100) });
}

/** How far it may be off either way: `+4.5 −4.6`. */
export function marginsOf({ value, low, high }: BoardScore): string {
  if (value === null || low === null || high === null) return "";
  return `+${points().format((high - value) * 100)} −${points().format((value - low) * 100)}`;
}
