/** A run being written down: what was filled in, what is still missing, and the spec that it makes. */

import type { NewRun } from "../../../lib/types.ts";
import type { Key } from "../../../lib/words.svelte.ts";

const NANO = 1e9;

export class Draft {
  task = $state("");
  model = $state("");
  judge = $state("");
  baseline = $state("");
  limit = $state<number | null>(null);
  samples = $state<number | null>(null);
  budget = $state<number | null>(null);
  concurrency = $state<number | null>(32);
  seed = $state<number | null>(null);
  maxTokens = $state<number | null>(null);
  temperature = $state<number | null>(null);
  useCache = $state(false);
  unlocked = $state(false);
  needsJudge = $state(false);

  readonly missing = $derived.by(() => this.#missing());

  /** What the server is asked. */
  spec(): NewRun {
    const sampling = { ...filled("max_tokens", this.maxTokens), ...filled("temperature", this.temperature) };
    return {
      task: this.task,
      model: this.model,
      concurrency: this.concurrency ?? 32,
      ...filled("limit", this.limit),
      ...filled("samples", this.samples),
      ...filled("seed", this.seed),
      ...(this.budget !== null ? { budget: { nano: Math.round(this.budget * NANO), currency: "USD" } } : {}),
      ...(this.needsJudge && this.judge ? { judge: this.judge } : {}),
      ...(this.needsJudge && this.baseline ? { baseline: this.baseline } : {}),
      ...(Object.keys(sampling).length > 0 ? { sampling } : {}),
      ...(this.useCache ? { use_cache: true } : {}),
      ...(this.unlocked ? { unlocked: true } : {}),
    };
  }

  #missing(): Key[] {
    const out: Key[] = [];
    if (!this.task) out.push("missing.task");
    if (!this.model) out.push("missing.model");
    if (this.needsJudge && !this.judge) out.push("missing.judge");
    if (![this.limit, this.samples, this.concurrency].every((value) => value === null || (Number.isInteger(value) && value > 0))) out.push("missing.number");
    return out;
  }
}

function filled<N extends string>(name: N, value: number | null): { [name in N]?: number } {
  return value === null ? {} : ({ [name]: value } as { [name in N]: number });
}
