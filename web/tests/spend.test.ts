import { expect, test } from "vitest";

import type { SpendRow } from "../src/lib/types.ts";
import { columns, lastDays, mainCurrency, valueOf } from "../src/routes/spend/figures.ts";

const row = (what: string, nano: number, currency = "USD"): SpendRow => ({
  what, name: what, calls: 1, failed: 0, unpriced: 0, estimated: 0, input_tokens: 1, cache_read_tokens: 2, cache_write_tokens: 3, output_tokens: 4, costs: nano ? [{ nano, currency, low: nano, high: nano }] : [],
});
const cost = (one: SpendRow) => valueOf(one, "cost", "USD");

test("every day has a column, its parts and what is left of the whole", () => {
  const days = columns("2026-02-27", "2026-03-02", [row("2026-02-27", 10), row("2026-03-01", 7)], [[row("2026-02-27", 4)], [row("2026-02-27", 5), row("2026-03-01", 7)]], cost);
  expect(days).toEqual([
    { day: "2026-02-27", total: 10, parts: [4, 5, 1] },
    { day: "2026-02-28", total: 0, parts: [0, 0, 0] },
    { day: "2026-03-01", total: 7, parts: [0, 7, 0] },
  ]);
});

test("the last days end with today", () => {
  expect(lastDays(7, Date.parse("2026-03-01T23:59:59Z"))).toEqual({ since: "2026-02-23", until: "2026-03-02" });
});

test("amounts are compared within the currency that most was spent in", () => {
  expect(mainCurrency([row("a", 3, "EUR"), row("b", 2, "USD"), row("c", 2, "USD")])).toBe("USD");
  expect(cost(row("a", 3, "EUR"))).toBe(0);
  expect(valueOf(row("a", 0), "tokens", "USD")).toBe(10);
});
