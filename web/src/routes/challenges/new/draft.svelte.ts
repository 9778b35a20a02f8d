/** A challenge being written down: what was filled in, what is still missing, and the spec that it makes. */

import type { Goal, Spec } from "../../../lib/types.ts";
import type { Key } from "../../../lib/words.svelte.ts";

type Source = Spec["source"];
type Check = NonNullable<Spec["checks"]>[number];
export type From = "example" | "text" | "traffic" | "work";
export type Judging = "human" | "program" | "models";
export type RuleKind = "exact" | "contains" | "lacks" | "regex" | "number" | "max_words" | "json" | "json_schema";

export interface Rule {
  kind: RuleKind;
  value: string;
}

/** Files of prompts that come with Assay. */
export const EXAMPLES = ["first-look"] as const;
const NANO = 1e9;

export class Draft {
  challenger = $state("");
  incumbent = $state("");
  from = $state<From>("example");
  example = $state<string>(EXAMPLES[0]);
  text = $state("");
  file = $state<{ name: string; text: string } | null>(null);
  work = $state("");
  key = $state("");
  alias = $state("");
  tag = $state("");
  since = $state("");
  until = $state("");
  judging = $state<Judging>("human");
  /** Judges that were added, and one that is chosen and not added yet: it judges as well. */
  added = $state<string[]>([]);
  picked = $state("");
  rules = $state<Rule[]>([]);
  goal = $state<Goal>("better");
  /** In points of a hundred. */
  margin = $state<number | null>(5);
  limit = $state<number | null>(500);
  budget = $state<number | null>(null);
  currency = $state("USD");
  confidence = $state<number | null>(95);
  seed = $state<number | null>(null);
  rubric = $state("");

  readonly judges = $derived([...new Set([...this.added, this.picked].filter(Boolean))]);
  readonly judgesItself = $derived(this.judging === "models" && this.judges.some((judge) => judge === this.challenger || judge === this.incumbent));
  readonly missing = $derived.by(() => this.#missing());
  readonly ready = $derived(this.missing.length === 0);

  /** What the server is asked. */
  spec(): Spec {
    const checks = this.judging === "program" ? this.rules.flatMap(checkOf) : [];
    return {
      challenger: this.challenger,
      incumbent: this.incumbent,
      source: this.#source(),
      judges: this.judging === "models" ? [...this.judges] : [this.judging],
      goal: this.goal,
      margin: Math.round((this.margin ?? 5) * 1000) / 100_000,
      limit: this.limit ?? 500,
      confidence: Math.round((this.confidence ?? 95) * 1000) / 100_000,
      ...(this.budget !== null ? { budget: { nano: Math.round(this.budget * NANO), currency: this.currency } } : {}),
      ...(checks.length > 0 ? { checks } : {}),
      ...(this.seed !== null ? { seed: this.seed } : {}),
      ...(this.rubric.trim() && this.judging === "models" ? { rubric: this.rubric } : {}),
    };
  }

  #source(): Source {
    switch (this.from) {
      case "example":
        return { kind: "example", name: this.example };
      case "work":
        return { kind: "work", name: this.work };
      case "text":
        return this.file ? { kind: "content", ...this.file } : { kind: "content", name: "prompts.txt", text: this.text };
      case "traffic":
        return {
          kind: "traffic",
          ...filled("key", this.key), ...filled("alias", this.alias.trim()), ...filled("tag", this.tag.trim()),
          ...filled("since", micros(this.since, 0)), ...filled("until", micros(this.until, 1)),
        };
    }
  }

  #missing(): Key[] {
    const out: Key[] = [];
    if (!this.challenger || !this.incumbent) out.push("new.missing.models");
    else if (this.challenger === this.incumbent) out.push("new.missing.same");
    if (this.from === "text" && !this.file && this.text.trim() === "") out.push("new.missing.text");
    if (this.from === "work" && !this.work) out.push("new.missing.work");
    if (this.judging === "models" && this.judges.length === 0) out.push("new.missing.judge");
    if (this.judging === "program" && this.rules.some((rule) => checkOf(rule).length === 0)) out.push("new.missing.rule");
    if (!within(this.margin, 0, 49) || !within(this.limit, 1, 100_000) || !within(this.confidence, 50, 99.9)) out.push("new.missing.number");
    return out;
  }
}

/** The check that a rule stands for; none while it is not filled in. */
export function checkOf({ kind, value }: Rule): Check[] {
  if (kind === "json") return [{ check: "format", rule: "json" }];
  if (value.trim() === "") return [];
  switch (kind) {
    case "exact":
      return [{ check: "exact", value }];
    case "regex":
      return [{ check: "regex", pattern: value }];
    case "contains":
    case "lacks":
      return [{ check: "format", rule: kind, value }];
    case "max_words":
      return Number.isInteger(Number(value)) ? [{ check: "length", unit: "words", most: Number(value) }] : [];
    case "number":
      return Number.isFinite(Number(value)) ? [{ check: "number", value: Number(value) }] : [];
    case "json_schema":
      return schemaOf(value);
  }
}

function schemaOf(text: string): Check[] {
  try {
    const schema: unknown = JSON.parse(text);
    return typeof schema === "object" && schema !== null && !Array.isArray(schema) ? [{ check: "json_schema", schema: schema as Record<string, unknown> }] : [];
  } catch {
    return [];
  }
}

function filled<N extends string, V>(name: N, value: V): { [name in N]?: V } {
  return value === "" || value === null ? {} : ({ [name]: value } as { [name in N]: V });
}

/** The beginning of a day here, `days` later, in microseconds UTC. */
function micros(day: string, days: number): number | null {
  const [year, month, date] = day.split("-").map(Number);
  return year && month && date ? new Date(year, month - 1, date + days).getTime() * 1000 : null;
}

function within(value: number | null, least: number, most: number): boolean {
  return value !== null && Number.isFinite(value) && value >= least && value <= most;
}
