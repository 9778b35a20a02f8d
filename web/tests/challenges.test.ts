import { beforeEach, describe, expect, test } from "vitest";

import type { Report, Step } from "../src/lib/types.ts";
import { learn, speak, t } from "../src/lib/words.svelte.ts";
import { bound, difference, differenceEnd, leaning, measured, percent, percentDigits, rangeOf } from "../src/routes/challenges/figures.ts";
import { allWords, pictureSource, question, readable } from "../src/routes/challenges/messages.ts";
import { checkOf, Draft } from "../src/routes/challenges/new/draft.svelte.ts";
import { apart, band, frame, stepAt, thinned, zoneOf } from "../src/routes/challenges/report/evidence.ts";
import { cautions, stamp, verdict } from "../src/routes/challenges/verdict.ts";
import { report } from "../dev/challenges.ts";

beforeEach(async () => {
  await speak("en");
  await learn("challenges");
});

const running = { id: "x", rate: 0.57, n: 42, word: "cannot_tell", state: "running", judges: ["human"], more: 37 } as const;
const found = (changes: Partial<Report> = {}): Report => ({ ...report({ ...running, judges: ["human"] }), ...changes });
const sentence = (one: Report) => {
  const { key, values } = verdict(one);
  return t(key, values);
};

describe("the verdict", () => {
  test("says what to do, and what was shown", () => {
    const switched = { word: "switch", more_items: null } as const;
    expect(sentence(found({ decision: switched, superior: true }))).toBe("Switch: Cupel Pro is better than Electrum 70B on this work.");
    expect(sentence(found({ decision: switched, superior: false }))).toBe("Switch: Cupel Pro is no worse than Electrum 70B, within 5 points of win rate, on this work.");
  });

  test("tells a worse challenger from one that is not better by enough", () => {
    const stayed = { word: "do_not_switch", more_items: null } as const;
    const rate = (high: number) => ({ value: 0.4, low: 0.3, high, n: 50, reason: null });
    expect(sentence(found({ decision: stayed, win_rate: rate(0.47) }))).toBe("Do not switch: Cupel Pro is worse than Electrum 70B on this work.");
    expect(sentence(found({ decision: stayed, win_rate: rate(0.54) }))).toBe("Do not switch: Cupel Pro is not better than Electrum 70B by 5 points of win rate or more on this work.");
  });

  test("without an answer says about how many more items it takes", () => {
    expect(sentence(found())).toBe("Cannot tell yet: about 37 more items would settle it, should they go on like these.");
    expect(sentence(found({ state: "stopped", decision: { word: "cannot_tell", more_items: null } }))).toBe("Stopped before there was an answer: nothing points to an end.");
    expect(sentence(found({ state: "ended", decision: { word: "budget_spent", more_items: 1 } }))).toBe("Budget spent, and no answer yet: about 1 more item would settle it, should they go on like these.");
  });

  test("says first what failures would change, and that an answer rests on even judgments", () => {
    const said = (code: string, values: Record<string, number | string>) => ({ code, text: "", values });
    const settled = { word: "switch", more_items: null } as const;
    const keys = (one: Report) => cautions(one).map(({ key }) => key);
    expect(keys(found({ decision: settled, assumptions: [said("failed", { if_lost: "do_not_switch" })] }))).toEqual(["caution.failures.stay"]);
    expect(keys(found({ decision: settled, assumptions: [said("failed", { if_lost: "cannot_tell" })] }))).toEqual(["caution.failures.open"]);
    expect(keys(found({ decision: settled, assumptions: [said("failed", { if_lost: "switch" })] }))).toEqual([]);
    const even = { ...found().tally, judged: 40, tied: 30 };
    expect(keys(found({ decision: settled, tally: even, assumptions: [said("rests_on_even", { tied: 30, judged: 40 })] }))).toEqual(["assumed.rests_on_even"]);
  });

  test("never rounds a bound to the other side of what was shown", () => {
    expect([bound(0.51, 0.05), bound(0.5004, 0.05), bound(0.5499, 0.05), bound(0.4496, 0.05), bound(0.9, 0.05)]).toEqual(["51 %", "50.04 %", "54.99 %", "44.96 %", "90 %"]);
  });

  test("is stamped solid only when it is settled", () => {
    expect([stamp({ word: "switch", more_items: null }).settled, stamp({ word: "budget_spent", more_items: 3 }).settled, stamp(null).settled]).toEqual([true, false, false]);
  });
});

describe("the evidence line", () => {
  const steps: Step[] = Array.from({ length: 40 }, (_, at) => ({ n: at + 1, win_rate: 0.6, low: Math.max(0, 0.6 - 2 / (at + 1)), high: Math.min(1, 0.6 + 2 / (at + 1)), switch: 0, stay: 0 }));

  test("shades the zone that decides", () => {
    expect([zoneOf({ goal: "better", margin: 0.05 }), zoneOf({ goal: "no_worse", margin: 0.1 })]).toEqual([[0.5, 0.55], [0.4, 0.5]]);
  });

  test("holds the zone, the later bounds and its labels within its frame", () => {
    for (const width of [300, 1200]) {
      const at = frame(steps, [0.5, 0.55], width, 300);
      for (const share of [0.5, 0.55, 0.6 - 2 / 40, 0.6 + 2 / 40]) {
        expect(at.y(share)).toBeGreaterThan(at.top);
        expect(at.y(share)).toBeLessThan(300 - at.bottom);
      }
      expect(at.x(40)).toBeCloseTo(width - at.right);
      expect(at.nAt(at.x(17))).toBe(17);
    }
  });

  test("is one closed band, and nothing without steps", () => {
    expect(band(steps, frame(steps, [0.5, 0.55], 800, 300))).toMatch(/^M[\d.]+ -?[\d.]+(L[\d.]+ -?[\d.]+){81}Z$/);
    expect(band([], frame([], [0.5, 0.55], 800, 300))).toBe("");
  });

  test("shows the step nearest to the pointer", () => {
    expect([stepAt(steps, 17)?.n, stepAt(steps, 900)?.n, stepAt([], 3)]).toEqual([17, 40, undefined]);
  });

  test("a long table keeps its last row", () => {
    const { every, steps: rows } = thinned(steps, 10);
    expect([every, rows.length, rows.at(-1)?.n]).toEqual([4, 10, 40]);
  });

  test("labels never lie on one another", () => {
    expect(apart([10, 12, 50], 18)).toEqual([10, 28, 50]);
  });
});

describe("figures", () => {
  const cost = { name: "cost_per_1000", unit: "USD" };
  const refused = { name: "refusal_rate", unit: "share" };
  const whole = { name: "total_p50", unit: "ms" };

  test("a share has a decimal only where its interval carries one", () => {
    expect([percent(0.5834), percent(0.5834, 0.01), percentDigits(-0.001, "en")]).toEqual(["58 %", "58.3 %", "0"]);
  });

  test("each metric is written in its own unit", () => {
    expect([measured(cost, 1.839), measured(cost, 0.0123), measured(whole, 8210), measured(refused, 0.05)]).toEqual(["$1.84", "$0.012", "8.2s", "5 %"]);
  });

  test("a difference has its sign, and that of shares is in points", () => {
    expect([difference(cost, -2.26), difference(whole, 260), difference(refused, 0.042), differenceEnd(refused, -0.03, 0.08)]).toEqual(["−$2.26", "+260ms", "+4 points", "−3"]);
  });

  test("good and bad go by the direction that is better, and only where the interval leaves out none", () => {
    const of = (low: number, high: number) => ({ value: (low + high) / 2, low, high, n: 9, reason: null });
    expect([
      leaning({ difference: of(-3, -1), better: "lower" }), leaning({ difference: of(1, 3), better: "lower" }), leaning({ difference: of(-1, 3), better: "lower" }),
      leaning({ difference: of(1, 3), better: null }), leaning({ difference: { value: 1, low: null, high: null, n: 1, reason: "too_few" }, better: "lower" }),
    ]).toEqual(["better", "worse", "same", "higher", "unknown"]);
  });

  test("what is known of an interval is said, and why the rest is not", () => {
    const write = (value: number) => `${value}`;
    const range = (low: number | null, high: number | null, reason: string | null = null) => rangeOf({ value: 1, low, high, n: 3, reason }, write);
    expect([range(1, 2), range(1, null), range(null, 2), range(null, null, "too_few"), range(null, null, "of_late")]).toEqual(["1 to 2", "at least 1", "at most 2", "too few for an interval", "of late"]);
  });
});

describe("a challenge being written down", () => {
  function filled(): Draft {
    const draft = new Draft();
    draft.challenger = "foundry/new";
    draft.incumbent = "foundry/old";
    return draft;
  }

  test("needs two contestants that differ", () => {
    const draft = new Draft();
    expect(draft.missing).toEqual(["new.missing.models"]);
    draft.challenger = draft.incumbent = "foundry/old";
    expect(draft.missing).toEqual(["new.missing.same"]);
    draft.challenger = "foundry/new";
    expect(draft.ready).toBe(true);
  });

  test("is sent as the server takes it", () => {
    const draft = filled();
    draft.margin = 7.5;
    draft.budget = 2.5;
    expect(draft.spec()).toEqual({
      challenger: "foundry/new", incumbent: "foundry/old", source: { kind: "example", name: "first-look" }, judges: ["human"], goal: "better", margin: 0.075, confidence: 0.95, limit: 500,
      budget: { nano: 2_500_000_000, currency: "USD" },
    });
  });

  test("takes pasted prompts, a file instead of them, and traffic between two days", () => {
    const draft = filled();
    draft.from = "text";
    expect(draft.missing).toEqual(["new.missing.text"]);
    draft.text = "one\ntwo";
    expect(draft.spec().source).toEqual({ kind: "content", name: "prompts.txt", text: "one\ntwo" });
    draft.file = { name: "work.jsonl", text: "{}" };
    expect(draft.spec().source).toEqual({ kind: "content", name: "work.jsonl", text: "{}" });
    draft.from = "traffic";
    draft.since = draft.until = "2026-11-20";
    draft.tag = " team=search ";
    const day = new Date(2026, 10, 20).getTime() * 1000;
    expect(draft.spec().source).toEqual({ kind: "traffic", tag: "team=search", since: day, until: new Date(2026, 10, 21).getTime() * 1000 });
  });

  test("warns of a contestant that judges itself, and sends rules only to a program", () => {
    const draft = filled();
    draft.judging = "models";
    expect(draft.missing).toEqual(["new.missing.judge"]);
    draft.picked = "foundry/old";
    draft.rules = [{ kind: "json", value: "" }];
    expect([draft.judgesItself, draft.spec().judges, draft.spec().checks]).toEqual([true, ["foundry/old"], undefined]);
    draft.judging = "program";
    expect([draft.spec().judges, draft.spec().checks]).toEqual([["program"], [{ check: "format", rule: "json" }]]);
  });

  test("a rule that is not filled in, or cannot be read, makes no check", () => {
    expect(checkOf({ kind: "contains", value: " " })).toEqual([]);
    expect(checkOf({ kind: "number", value: "forty" })).toEqual([]);
    expect(checkOf({ kind: "json_schema", value: "[1]" })).toEqual([]);
    expect(checkOf({ kind: "max_words", value: "50" })).toEqual([{ check: "length", unit: "words", most: 50 }]);
    expect(checkOf({ kind: "json_schema", value: '{"type": "object"}' })).toEqual([{ check: "json_schema", schema: { type: "object" } }]);
  });

  test("numbers out of range are said, not sent", () => {
    const draft = filled();
    draft.margin = null;
    expect(draft.missing).toEqual(["new.missing.number"]);
  });
});

describe("a transcript", () => {
  const says = (role: "user" | "assistant" | "system", text: string) => ({ role, parts: [{ type: "text" as const, text }] });

  test("is read from its last question", () => {
    const [system, first, answer, last] = [says("system", "Be brief."), says("user", "Hello"), says("assistant", "Hello."), says("user", "Why?")];
    expect(question([system, first, answer, last])).toEqual({ asked: last, before: [system, first, answer], after: [] });
    expect(question([first, answer])).toEqual({ asked: first, before: [], after: [answer] });
    expect(question([])).toEqual({ asked: null, before: [], after: [] });
  });

  test("shows only pictures that came along by value, and of kinds that run nothing", () => {
    expect(pictureSource({ type: "image", data: "AAAA", media_type: "image/png" })).toBe("data:image/png;base64,AAAA");
    expect(pictureSource({ type: "image", data: "AAAA", media_type: "image/svg+xml" })).toBeNull();
    expect(pictureSource({ type: "image", url: "https://example.com/x.png" })).toBeNull();
  });

  test("arguments that are no JSON stay as they were", () => {
    expect([readable('{"a":1}'), readable("{a")]).toEqual(['{\n  "a": 1\n}', "{a"]);
    expect(allWords([says("assistant", "one"), says("assistant", "two")])).toBe("one\ntwo");
  });
});
