/** Invented calls for the page while it is worked on: one that failed, then one that was translated with losses. */

import type { ShownCall, Trace } from "../src/lib/types.ts";

const BASE: ShownCall = {
  id: "c1", request_id: "r1", at: "2026-11-22T10:00:00.000000Z", purpose: "traffic", outcome: "error", asked: "fast", deployment: "crucible/electrum-70b", provider: "crucible", model: "electrum-70b",
  protocol: "openai_chat", client_protocol: "anthropic", operation: null, stream: true, duration_us: 1_240_000, ttft_us: null, key: "k1", status: 429, error: "upstream.rate_limited", stop: null, usage: null, cost: null,
  request: null, reply: null, upstream_id: null, losses: [], timeline: [], user: null, team: null, provider_key: null, cost_between: null, cached: null,
};

const ANSWERED: ShownCall = {
  ...BASE, id: "c2", at: "2026-11-22T10:00:01.260000Z", outcome: "ok", deployment: "foundry/cupel-pro", provider: "foundry", model: "cupel-pro", protocol: "gemini", duration_us: 6_480_000, ttft_us: 910_000,
  status: 200, error: null, stop: "end", usage: { input: 1_204, cache_read: 11_980, output: 318, reasoning: 644 }, cost: { nano: 9_876_500, currency: "USD" }, losses: ["approximated:effort=high>16384 tokens"],
  timeline: Array.from({ length: 80 }, (_, at) => [910_000 + at * 69_000, 110 * (at + 1)] as [number, number]),
};

export const CALLS: ShownCall[] = [ANSWERED, BASE];

export function traceOf(id: string): Trace | null {
  const call = CALLS.find((one) => one.id === id);
  if (!call) return null;
  const answered = call === ANSWERED;
  return {
    call,
    attempts: [BASE, ANSWERED],
    key: "laptop",
    losses: answered ? [{ kind: "approximated", what: "effort", detail: "high>16384 tokens" }] : [],
    request: { model: "fast", transcript: { messages: [{ role: "user", parts: [{ type: "text", text: "Why does the build fail?" }] }] }, sampling: { effort: "high", max_tokens: 32_000 }, stream: true },
    request_state: "kept",
    reply: answered ? { messages: [{ role: "assistant", parts: [{ type: "text", text: "The lock file is out of date." }] }] } : null,
    reply_state: answered ? "kept" : "none",
    price: { input: 2_000_000_000, output: 9_000_000_000, currency: "USD", source: "https://example.com", date: "2026-11-02" },
    cost_source: answered ? "price_list" : null,
  };
}
