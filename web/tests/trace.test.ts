import { describe, expect, test } from "vitest";

import { CALLS } from "../dev/calls.ts";
import type { ShownCall } from "../src/lib/types.ts";
import { CLIENTS, fill, isPlain } from "../src/routes/connect/fill.ts";
import { growth, lengthOf, marks, produced, rate, spans, taken } from "../src/routes/traffic/trace/timeline.ts";

const [answered, failed] = CALLS as [ShownCall, ShownCall];

describe("a timeline", () => {
  test("lays the attempts one after the other, from the start of the first", () => {
    const [first, second] = spans([failed, answered]);
    expect([first?.start, first?.first, first?.end]).toEqual([0, null, 1_240_000]);
    expect([second?.start, second?.first, second?.end]).toEqual([1_260_000, 2_170_000, 7_740_000]);
    expect(lengthOf(spans([failed, answered]))).toBe(7_740_000);
  });

  test("marks round times, and leaves room for the end's own", () => {
    expect(marks(7_740_000)).toEqual([2_000_000, 4_000_000, 6_000_000]);
    expect(marks(1)).not.toContain(0);
  });

  test("of an answer without a duration can still be drawn", () => {
    expect(lengthOf(spans([{ ...answered, duration_us: 0 }]))).toBe(1);
  });

  test("grows from nothing to everything, and never back", () => {
    const path = growth(answered, 1000, 100);
    const heights = [...path.matchAll(/V(-?[\d.]+)/g)].map((match) => Number(match[1]));
    expect(path.startsWith("M0 100")).toBe(true);
    expect(heights.at(-2)).toBe(0);
    expect(heights.slice(0, -1)).toEqual([...heights.slice(0, -1)].sort((a, b) => b - a));
  });

  test("of an answer in one piece has no shape", () => {
    expect([growth({ ...answered, timeline: [] }, 1000, 100), growth({ ...answered, timeline: [[5, 9]] }, 1000, 100)]).toEqual(["", ""]);
  });

  test("counts tokens a second only where there was a stream with tokens", () => {
    expect(Math.round(rate(answered) ?? 0)).toBe(173);
    expect([rate(failed), rate({ ...answered, ttft_us: null }), rate({ ...answered, usage: null })]).toEqual([null, null, null]);
  });

  test("adds up every bucket once", () => {
    const usage = { input: 1, cache_read: 2, cache_write_5m: 4, cache_write_1h: 8, audio_input: 16, image_input: 32, output: 64, reasoning: 128, audio_output: 256, image_output: 512 };
    expect([taken(usage), produced(usage)]).toEqual([63, 960]);
  });
});

describe("a snippet", () => {
  const blanks = { address: "https://assay.example", model: "practice/reckoner", title: "Practice: reckoner" };

  test("of every client is filled in", () => {
    for (const { snippets } of CLIENTS) {
      for (const { text } of snippets) expect(fill(text, blanks)).not.toMatch(/\{(?:address|model|title|short)\}|127\.0\.0\.1/);
    }
  });

  test("takes no name that a shell or a string would read as something else", () => {
    expect(["openrouter/meta/llama-3:free", "up/m@v1.2"].every(isPlain)).toBe(true);
    expect(["up/$(reboot)", "up/a b", 'up/"x', "up/`x`", "up/x\ny", "", "/x", "up/"].some(isPlain)).toBe(false);
    expect(fill('"{title}"', { ...blanks, title: 'a"b\\c\n' })).toBe('"abc"');
  });
});
