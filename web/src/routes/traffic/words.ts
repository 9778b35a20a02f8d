/** Names and words for what calls are made of. */

import type { Outcome, Purpose, ShownCall } from "../../lib/types.ts";
import { t, tOr, type Key } from "../../lib/words.svelte.ts";

export const OUTCOMES: Record<Outcome, Key> = { ok: "call.ok", error: "call.error", timeout: "call.timeout", cancelled: "call.cancelled" };

export const PURPOSES: Record<Purpose, Key> = {
  traffic: "purpose.traffic", battle: "purpose.battle", judge: "purpose.judge", bench: "purpose.bench", challenge: "purpose.challenge", test: "purpose.test",
};

/** What went wrong, in words where we have them. */
export function whatFailed({ error }: Pick<ShownCall, "error">): string {
  return error ? tOr(`callError.${error}`, tOr(`problem.${error}`, error)) : "";
}

/** Who asked: a key by its name, the command line, or a part of Assay. */
export function whoAsked(call: ShownCall, keyName: string | null): string {
  if (call.key === "local") return t("trace.local");
  if (call.key !== null) return keyName ?? call.key;
  return t(PURPOSES[call.purpose]);
}
