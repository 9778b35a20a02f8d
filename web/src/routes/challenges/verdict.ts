/** What a challenge has found, as a sentence. The written report and the terminal say the same. */

import type { Values } from "../../lib/message.ts";
import type { Decision, Report, Summary } from "../../lib/types.ts";
import { t, type Key } from "../../lib/words.svelte.ts";

export interface Sentence {
  key: Key;
  values: Values;
}

/** The word on the stamp, and whether it settles the question. */
export function stamp(decision: Decision | null): { key: Key; settled: boolean } {
  switch (decision?.word) {
    case "switch":
      return { key: "word.switch", settled: true };
    case "do_not_switch":
      return { key: "word.stay", settled: true };
    case "budget_spent":
      return { key: "word.budget", settled: false };
    default:
      return { key: "word.notYet", settled: false };
  }
}

/** What to do, and what was shown; or how far it is from an answer. */
export function verdict(report: Report): Sentence {
  const { decision, state } = report;
  const values = { challenger: report.sides.challenger, incumbent: report.sides.incumbent, points: points(report.spec.margin) };
  if (decision?.word === "switch") return { key: report.superior ? "verdict.better" : "verdict.noWorse", values };
  if (decision?.word === "do_not_switch") {
    return { key: report.win_rate.high !== null && report.win_rate.high < 0.5 ? "verdict.worse" : "verdict.notBetter", values };
  }
  const left = { more: t(...more(report)) };
  if (decision?.word === "budget_spent") return { key: "verdict.budget", values: left };
  if (state === "stopped") return { key: "verdict.stopped", values: left };
  if (state === "interrupted") return { key: "verdict.interrupted", values: left };
  if (state === "running" && report.win_rate.n === 0) {
    const n = waitingForEarlier(report);
    return n > 0 ? { key: "verdict.waits", values: { n } } : { key: "verdict.none", values: {} };
  }
  return { key: "verdict.notYet", values: left };
}

const OTHERWISE: Record<string, Key> = { switch: "caution.failures.switch", do_not_switch: "caution.failures.stay" };

/** What a reader must know before the answer is acted on; mostly there is nothing. */
export function cautions({ decision, assumptions, tally }: Report): Sentence[] {
  const said: Sentence[] = [];
  const found = (code: string): Record<string, unknown> | undefined => assumptions.find((one) => one.code === code)?.values;
  const lost = found("failed")?.["if_lost"];
  const settled = decision?.word === "switch" || decision?.word === "do_not_switch";
  if (settled && typeof lost === "string" && lost !== decision.word) said.push({ key: OTHERWISE[lost] ?? "caution.failures.open", values: {} });
  if (found("rests_on_even") && 2 * tally.tied >= tally.judged) said.push({ key: "assumed.rests_on_even", values: { tied: tally.tied, judged: tally.judged } });
  return said;
}

/** Items that are judged and wait for an earlier one: evidence counts in the order drawn. */
export function waitingForEarlier({ state, assumptions }: Report): number {
  const found = state === "running" ? assumptions.find(({ code }) => code === "not_counted") : undefined;
  return Number(found?.values["items"] ?? 0);
}

function more({ decision, win_rate }: Report): [Key, Values] {
  const items = decision?.more_items ?? null;
  if (items !== null) return ["more.items", { n: items }];
  return [win_rate.n < 2 ? "more.early" : "more.never", {}];
}

/** A margin in points of a hundred. */
export function points(margin: number | undefined): number {
  return Math.round((margin ?? 0.05) * 1000) / 10;
}

/** Whether it can be taken up again. */
export function canResume({ state }: Pick<Summary, "state">): boolean {
  return state === "interrupted" || state === "stopped";
}
