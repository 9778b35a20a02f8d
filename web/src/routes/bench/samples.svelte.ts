/** The samples of a run that are shown: pages of them, as far as the reader has gone. */

import { asProblem, get, type Problem } from "../../lib/api.ts";
import type { SampleLine, SamplePage } from "../../lib/types.ts";

const FIRST = 200;
const MORE = 1000;

/** What samples are chosen by; each stands in the page's query under its name. */
export const FIELDS = ["outcome", "category", "search"] as const;
export type Chosen = Partial<Record<(typeof FIELDS)[number], string>>;

export function readChosen(query: URLSearchParams): Chosen {
  return Object.fromEntries(FIELDS.map((name) => [name, query.get(name) ?? ""]).filter(([, value]) => value)) as Chosen;
}

export class Samples {
  rows = $state.raw<SampleLine[]>([]);
  next = $state.raw<number | null>(null);
  problem = $state.raw<Problem | null>(null);
  loading = $state(true);
  readonly #run: string;
  #chosen: Chosen = {};
  #asking: AbortController | null = null;

  constructor(run: string) {
    this.#run = run;
  }

  /** Asks for others, or for the same anew. What is here stays until the first answer has come. */
  async choose(chosen: Chosen): Promise<void> {
    this.#chosen = chosen;
    this.#asking?.abort();
    this.#asking = new AbortController();
    await this.#load(null);
  }

  /** Goes on where the list ends. */
  async more(): Promise<void> {
    if (this.next !== null && !this.loading) await this.#load(this.next);
  }

  close(): void {
    this.#asking?.abort();
  }

  async #load(after: number | null): Promise<void> {
    const signal = this.#asking?.signal;
    this.loading = true;
    const query = new URLSearchParams({ ...this.#chosen, limit: String(after === null ? FIRST : MORE) });
    if (after !== null) query.set("after", String(after));
    try {
      const page = await get<SamplePage>(`/bench/runs/${this.#run}/samples?${query}`, signal);
      if (signal?.aborted) return;
      this.rows = after === null ? page.samples : [...this.rows, ...page.samples];
      this.next = page.next;
      this.problem = null;
    } catch (error) {
      if (signal?.aborted) return;
      this.problem = asProblem(error);
    }
    this.loading = false;
  }
}
