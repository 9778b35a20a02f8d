/** Which calls are asked for: what stands in the page's query, as the server takes it and as the page itself tells calls apart. */

import type { ChosenCall } from "./calls.svelte.ts";

/** What of a call is chosen by; each stands in the query under its name. */
export const FIELDS = ["text", "outcome", "purpose", "provider", "model", "key", "user", "team", "error"] as const;
export type Field = (typeof FIELDS)[number];

/** The spans that end now, in seconds. */
export const SPANS: Readonly<Record<string, number>> = { "15m": 900, "1h": 3600, "1d": 86_400, "7d": 604_800, "30d": 2_592_000 };

export interface Chosen extends Partial<Record<Field, string>> {
  /** Milliseconds; null leaves that end open. */
  since: number | null;
  until: number | null;
}

export function readChosen(query: URLSearchParams, now: number): Chosen {
  const chosen: Chosen = { since: moment(query.get("since")), until: moment(query.get("until")) };
  const span = SPANS[query.get("span") ?? ""];
  if (span !== undefined) chosen.since = now - span * 1000;
  for (const field of FIELDS) {
    const value = query.get(field);
    if (value) chosen[field] = value;
  }
  return chosen;
}

/** The query of the server's `/calls` and `/calls/sums`. */
export function asQuery(chosen: Chosen): URLSearchParams {
  const query = new URLSearchParams();
  for (const field of FIELDS) if (chosen[field]) query.set(field, chosen[field]);
  if (chosen.since !== null) query.set("since", new Date(chosen.since).toISOString());
  if (chosen.until !== null) query.set("until", new Date(chosen.until).toISOString());
  return query;
}

/** Whether a call that was just told is among those asked for: the same as the server's search. */
export function matches(call: ChosenCall, chosen: Chosen): boolean {
  const at = Date.parse(call.at);
  if (chosen.since !== null && at < chosen.since) return false;
  if (chosen.until !== null && at >= chosen.until) return false;
  if (chosen.outcome === "failed" ? !isFailed(call) : chosen.outcome && call.outcome !== chosen.outcome) return false;
  if (chosen.model && ![call.asked, call.deployment, call.model].includes(chosen.model)) return false;
  const text = chosen.text?.toLowerCase();
  if (text && !call.asked.toLowerCase().includes(text) && !call.deployment.toLowerCase().includes(text)) return false;
  return (["purpose", "provider", "key", "user", "team", "error"] as const).every((field) => !chosen[field] || call[field] === chosen[field]);
}

export function isFailed({ outcome }: ChosenCall): boolean {
  return outcome === "error" || outcome === "timeout";
}

function moment(text: string | null): number | null {
  const at = text ? Date.parse(text) : Number.NaN;
  return Number.isNaN(at) ? null : at;
}
