import { describe, expect, test } from "vitest";

import { csv, duration, margins, money, price, rankRange, rating, tokens } from "../src/lib/format.ts";
import { readingTime } from "../src/routes/arena/reading.ts";
import { firstUnsettled, settledBreaks, sharedScale, sorted, unsettled, type Rated } from "../src/routes/board/scale.ts";

describe("numbers", () => {
  test("a rating has no decimals and no thousands mark", () => {
    expect(rating(1172.1326, "en")).toBe("1172");
  });

  test("margins add up to the rounded interval", () => {
    expect(margins(1172.6, 1146.4, 1199.5)).toEqual(["+27", "−27"]);
  });

  test("a rank range of one is one number", () => {
    expect([rankRange(1, 1), rankRange(2, 5)]).toEqual(["1", "2–5"]);
  });

  test("small amounts keep two significant digits, others two decimals", () => {
    expect([1_870_000, 0, 150_000_000, 12_345_678_901].map((nano) => money({ nano, currency: "USD" }, "en"))).toEqual(["$0.0019", "$0.00", "$0.15", "$12.35"]);
  });

  test("a price is for input and output", () => {
    expect(price({ input: 2_000_000_000, output: 8_000_000_000, currency: "CNY", date: null, source: null }, "zh-Hans")).toBe("¥2.00 / ¥8.00");
  });

  test("durations take the unit that fits", () => {
    expect([412, 8210, 65_000].map((ms) => duration(ms, "en"))).toEqual(["412ms", "8.2s", "65s"]);
  });

  test("token counts are short", () => {
    expect([20_000, 128_000, 1_000_000].map(tokens)).toEqual(["20K", "128K", "1M"]);
  });
});

describe("CSV", () => {
  test("quotes what a spreadsheet would run", () => {
    expect(csv([["=cmd()", "+1", "-x", "@a", "plain", -5, null]])).toBe("'=cmd(),'+1,'-x,'@a,plain,-5,\r\n");
  });

  test("quotes commas, quotes and line breaks", () => {
    expect(csv([['a,b', 'say "so"', "two\nlines"]])).toBe('"a,b","say ""so""","two\nlines"\r\n');
  });
});

function row(model: string, rank: number, low: number, high: number, rating = 1100 - rank * 10): Rated {
  return {
    model, title: model, provider: null, organization: null, licence: null, rating, low: rating - 10, high: rating + 10, rank, rank_low: low, rank_high: high, votes: 10 * rank, reason: null, scores: [],
    preliminary: false, price: null, ttft_ms_p50: null, tokens_per_s_p50: rank === 2 ? 40 : null, speed_calls: rank === 2 ? 12 : 0, speed_days: 30,
  };
}

describe("the board", () => {
  const rows = [row("a", 1, 1, 1), row("b", 2, 2, 3), row("c", 3, 2, 3), row("d", 4, 4, 5), row("e", 5, 4, 5)];

  test("rows inside one another's rank range are not settled", () => {
    expect(unsettled(rows[1] as Rated, rows[2] as Rated)).toBe(true);
    expect(unsettled(rows[2] as Rated, rows[3] as Rated)).toBe(false);
  });

  test("a darker line stands where everything above is settled against everything below", () => {
    expect([...settledBreaks(rows)]).toEqual([1, 3]);
  });

  test("the band begins at the highest shared place", () => {
    expect(firstUnsettled(rows)?.model).toBe("b");
  });

  test("one scale holds every whisker", () => {
    const scale = sharedScale(rows);
    for (const one of rows) {
      expect(scale.at(one.low)).toBeGreaterThanOrEqual(0);
      expect(scale.at(one.high)).toBeLessThanOrEqual(100);
    }
  });

  test("rows without a value stand last in both directions", () => {
    expect(sorted(rows, "speed", true)[0]?.model).toBe("b");
    expect(sorted(rows, "speed", false)[0]?.model).toBe("b");
  });
});

test("reading takes longer for more words, within bounds, and a Chinese character counts for more", () => {
  expect(readingTime("4", "Four.")).toBe(1200);
  expect(readingTime("x".repeat(9000), "y")).toBe(3000);
  expect(readingTime("字".repeat(30), "")).toBeGreaterThan(readingTime("x".repeat(30), "") - 1);
});
