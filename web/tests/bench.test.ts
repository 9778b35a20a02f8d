import { beforeAll, describe, expect, test } from "vitest";

import { learn, speak } from "../src/lib/words.svelte.ts";
import type { BoardBenchmark, BoardScore, ComparedRuns, Interval, Row } from "../src/lib/types.ts";
import { asCommand } from "../src/routes/bench/command.ts";
import { inOrder, pValue, reach, verdict } from "../src/routes/bench/compare/verdict.ts";
import { range, rate, samplePath, share, signedPoints, timeLeft, why } from "../src/routes/bench/figures.ts";
import { Draft } from "../src/routes/bench/new/draft.svelte.ts";
import { costOf, timesAsked } from "../src/routes/bench/new/expected.ts";
import { readChosen } from "../src/routes/bench/samples.svelte.ts";
import { chosenColumns, marginsOf, scoreOf } from "../src/routes/board/benchmarks.ts";

beforeAll(async () => {
  await learn("bench");
  await speak("en");
});

const interval = (value: number | null, low: number | null, high: number | null, more: Partial<Interval> = {}): Interval => ({ value, low, high, n: 164, reason: null, ...more });

describe("a score", () => {
  test("is told to a tenth of a percent where there are many answers, else to the percent", () => {
    expect([share(140 / 164, 164), share(0.5, 450), share(0.5, 12)]).toEqual(["85.4 %", "50.0 %", "50 %"]);
    expect(range(interval(0.854, 0.791, 0.9))).toBe("79.1 to 90.0 %");
  });

  test("that is not known says why", () => {
    expect(why(interval(null, 0.4, 0.6, { reason: "errors" }))).toBe("1 % or more errors: only bounds are known");
    expect(why(interval(null, null, null, { reason: "something_new" }))).toBe("something new");
    expect(why(interval(null, null, null))).toBe("not known yet");
  });

  test("in points has its sign, and none where it is nothing", () => {
    expect([signedPoints(0.024), signedPoints(-0.024), signedPoints(0), signedPoints(-0.0001)]).toEqual(["+2.4", "−2.4", "0.0", "0.0"]);
  });
});

test("time left and rates are in units that a person would use", () => {
  expect([timeLeft(12), timeLeft(95), timeLeft(3 * 3600 + 20 * 60)]).toEqual(["12 sec", "1 min", "3 hr 20 min"]);
  expect([rate(12.34), rate(0.5)]).toEqual(["12 a second", "30 a minute"]);
});

test("a question whose id holds a slash has one page", () => {
  expect(samplePath("r1", "HumanEval/32", 0)).toBe("/bench/r1/samples/HumanEval%2F32/0");
});

test("filters are read from the address, and nothing else is", () => {
  expect(readChosen(new URLSearchParams("outcome=wrong&search=&show=samples"))).toEqual({ outcome: "wrong" });
});

describe("a run to begin", () => {
  test("is asked for with what was filled in, and the command says the same", () => {
    const draft = new Draft();
    expect(draft.missing).toEqual(["missing.task", "missing.model"]);
    Object.assign(draft, { task: "gsm8k", model: "practice/reckoner", limit: 100, budget: 2.5, maxTokens: 512 });
    expect(draft.missing).toEqual([]);
    expect(draft.spec()).toEqual({ task: "gsm8k", model: "practice/reckoner", concurrency: 32, limit: 100, budget: { nano: 2_500_000_000, currency: "USD" }, sampling: { max_tokens: 512 } });
    expect(asCommand(draft.spec())).toBe("assay bench run gsm8k --model practice/reckoner --limit 100 --budget 2.5 --max-tokens 512");
  });

  test("needs a judge where a model scores, and whole numbers", () => {
    const draft = new Draft();
    Object.assign(draft, { task: "mt-bench", model: "practice/reckoner", needsJudge: true, samples: 1.5 });
    expect(draft.missing).toEqual(["missing.judge", "missing.number"]);
  });

  test("asks so many times, and costs what such samples cost before", () => {
    const task = { questions: 1319, samples: 1 };
    expect([timesAsked(task, { limit: null, samples: null }), timesAsked(task, { limit: 100, samples: 4 }), timesAsked(task, { limit: 5000, samples: null })]).toEqual([1319, 400, 1319]);
    expect(timesAsked({ questions: null, samples: 4 }, { limit: null, samples: null })).toBeNull();
    const price = { input: 1_000_000_000, output: 4_000_000_000, currency: "USD", date: null, source: null };
    expect(costOf(1000, { samples: 7, input_tokens: 100, output_tokens: 200 }, price)).toEqual({ nano: 900_000_000, currency: "USD" });
  });
});

describe("two runs", () => {
  const row: Row = { name: "score", questions: 450, a: 0.5, b: 0.6, difference: interval(-0.1, -0.15, -0.05), test: "mcnemar", p: 0.001, p_together: 0.001, detectable: 0.037, verdict: "B better" };
  const two = (word: ComparedRuns["found"]["verdict"], changes: Partial<Row> = {}) =>
    ({ a: { model: "one" }, b: { model: "two" }, found: { verdict: word, questions: 450, score: { ...row, ...changes } } }) as ComparedRuns;

  test("are told apart only where the numbers do", () => {
    expect(verdict(two("A better"))).toEqual({ key: "compared.better", values: { better: "one", worse: "two" } });
    expect(verdict(two("B better"))).toEqual({ key: "compared.better", values: { better: "two", worse: "one" } });
    expect(verdict(two("cannot tell"))).toEqual({ key: "compared.cannotTell", values: { n: 450, least: "3.7 points" } });
    expect(verdict(two("cannot tell", { detectable: null }))).toEqual({ key: "compared.same", values: {} });
    expect(verdict(two("cannot tell", { difference: interval(null, -0.2, 0.1, { reason: "errors" }) }))).toEqual({ key: "compared.errors", values: {} });
  });

  test("are drawn around zero, all of the interval within", () => {
    expect([reach(-0.15, 0.02), reach(null), reach(-1.4)]).toEqual([0.2, 0.1, 1]);
    expect([pValue(0.0000001, "en"), pValue(0.0312, "en")]).toEqual(["< 0.0001", "0.031"]);
  });

  test("list the largest differences first, whoever was better", () => {
    const flip = (sample: string, a: number, b: number) => ({ sample, a, b, outcome_a: "right", outcome_b: "wrong" }) as const;
    expect(inOrder([flip("x", 0.75, 0.5)], [flip("y", 0, 1)]).map(({ sample }) => sample)).toEqual(["y", "x"]);
  });
});

describe("scores on the board", () => {
  const score = (task: string, recipe: string): BoardScore => ({ task, recipe, model: "p/m", value: 0.556, low: 0.509, high: 0.601, n: 450, reason: null, questions: null, at: "2026-11-22T10:00:00Z", rows: "/bench/1" });
  const column = (task: string): BoardBenchmark => ({ task, title: task, recipe: "r", models: 2 });

  test("stand in a column only where they measured the same thing", () => {
    expect(scoreOf([score("a", "other"), score("a", "r")], column("a"))?.recipe).toBe("r");
    expect(scoreOf([score("a", "other")], column("a"))).toBeUndefined();
    expect(marginsOf(score("a", "r"))).toBe("+4.5 −4.7");
  });

  test("are those with the most models, unless one is chosen", () => {
    const all = ["a", "b", "c"].map(column);
    expect(chosenColumns(all, "").map(({ task }) => task)).toEqual(["a", "b"]);
    expect(chosenColumns(all, "c").map(({ task }) => task)).toEqual(["c"]);
    expect([chosenColumns(all, "none"), chosenColumns(all, "gone")]).toEqual([[], all.slice(0, 2)]);
  });
});
