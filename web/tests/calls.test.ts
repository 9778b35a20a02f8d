import { describe, expect, test } from "vitest";

import { merged, slim, type ChosenCall } from "../src/routes/traffic/calls.svelte.ts";
import { asQuery, matches, readChosen } from "../src/routes/traffic/chosen.ts";
import { CALLS } from "../dev/calls.ts";

const [answered, failed] = CALLS.map(slim) as [ChosenCall, ChosenCall];
const AT = Date.parse(answered.at);
const chosen = (query: string) => readChosen(new URLSearchParams(query), AT);
const withIds = (...ids: string[]) => ids.map((id) => ({ ...answered, id }));
const idsOf = (rows: ChosenCall[]) => rows.map(({ id }) => id).join("");

describe("which calls are asked for", () => {
  test.each(["", "text=CUPEL", "outcome=ok", "model=fast", "model=cupel-pro", "provider=foundry", "key=k1", "purpose=traffic", "span=1h", `since=${answered.at}`])("%s is true of an answered call", (query) => {
    expect(matches(answered, chosen(query))).toBe(true);
  });

  test.each(["text=crucible", "outcome=failed", "outcome=error", "model=cupel", "provider=crucible", "key=k2", "user=u", "error=x", `until=${answered.at}`])("%s is not", (query) => {
    expect(matches(answered, chosen(query))).toBe(false);
  });

  test("an error counts as failed", () => {
    expect(matches(failed, chosen("outcome=failed&error=upstream.rate_limited"))).toBe(true);
  });

  test("a span that ends now becomes a moment, and nonsense is left out", () => {
    expect(asQuery(chosen("span=1h&until=nonsense&team=&text=a")).toString()).toBe(`text=a&since=${encodeURIComponent(new Date(AT - 3_600_000).toISOString())}`);
  });
});

describe("calls that come", () => {
  test("go on top, and those that took long where they began", () => {
    expect(idsOf(merged(withIds("5", "3", "1"), withIds("9", "7")))).toBe("97531");
    expect(idsOf(merged(withIds("5", "3", "1"), withIds("9", "4", "0")))).toBe("954310");
    expect(idsOf(merged([], withIds("2")))).toBe("2");
    expect(idsOf(merged(withIds("2"), []))).toBe("2");
  });
});
