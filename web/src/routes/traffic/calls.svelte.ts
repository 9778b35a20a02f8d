/** The calls that are shown: pages of the record as far as the reader has gone, and those that come meanwhile. */

import { asProblem, follow, get, type Problem } from "../../lib/api.ts";
import type { CallEvent, CallPage, CallSums, ShownCall } from "../../lib/types.ts";
import { asQuery, isFailed, matches, type Chosen } from "./chosen.ts";

/** What the list needs of a call: of a hundred thousand of them, the rest would fill the memory. */
const KEPT = [
  "id", "at", "purpose", "outcome", "error", "asked", "deployment", "provider", "model", "key", "user", "team", "duration_us", "ttft_us", "usage", "cost", "cost_between", "cached", "stream",
] as const;
export type ChosenCall = Pick<ShownCall, (typeof KEPT)[number]> & { losses: number };

const FIRST = 200;
const MORE = 1000;
/** Sums are taken again at most so often, in milliseconds, and so many times as rarely as the server takes over them. */
const SUM_AGAIN = 3000;
const SUM_SHARE = 20;
const RECONNECT = 3000;
/** Searches that find nothing go on by themselves so many times before the reader is asked. */
const ON_AND_ON = 25;

export class Calls {
  rows = $state.raw<ChosenCall[]>([]);
  /** New ones that wait above, while the reader is further down or has paused. */
  waiting = $state.raw<ChosenCall[]>([]);
  next = $state.raw<string | null>(null);
  sums = $state.raw<CallSums | null>(null);
  problem = $state.raw<Problem | null>(null);
  loading = $state(true);
  isLive = $state(false);
  /** New calls go in at once; else they wait. */
  takes = true;
  /** Told of each lot that went in. */
  came: (calls: number, failed: number) => void = () => {};
  #chosen: Chosen = { since: null, until: null };
  #known = new Set<string>();
  #asking: AbortController | null = null;
  #summing: number | undefined;
  #sumMs = 0;

  /** Asks for other calls, or for the same anew. What is here stays until the first answer has come. */
  async choose(chosen: Chosen): Promise<void> {
    this.#chosen = chosen;
    this.#asking?.abort();
    this.#asking = new AbortController();
    this.loading = false;
    await Promise.all([this.#load(null), this.#sum()]);
  }

  /** Goes on where the list ends. */
  async more(): Promise<void> {
    if (this.next !== null && !this.loading) await this.#load(this.next);
  }

  /** Lets in those that wait. */
  letIn(): void {
    const waiting = this.waiting;
    this.waiting = [];
    this.rows = merged(this.rows, waiting);
  }

  /** Follows the record until `signal`, over broken lines. */
  async follow(signal: AbortSignal): Promise<void> {
    for (let times = 0; !signal.aborted; times++) {
      try {
        for await (const event of follow<CallEvent>("/calls/events", signal)) {
          if (times > 0 && !this.isLive) await this.#catchUp();
          this.isLive = true;
          this.#take(event.calls);
        }
      } catch {
        // The line broke, or the server was stopped: tried again below, and what was missed is fetched then.
      }
      if (signal.aborted) return;
      this.isLive = false;
      await new Promise((resolve) => setTimeout(resolve, RECONNECT));
    }
  }

  close(): void {
    this.#asking?.abort();
    clearTimeout(this.#summing);
  }

  /** What came while the line was broken; where that is much, all is loaded anew. */
  async #catchUp(): Promise<void> {
    const query = asQuery(this.#chosen);
    query.set("limit", String(FIRST));
    const { calls } = await get<CallPage>(`/calls?${query}`);
    if (calls.some(({ id }) => this.#known.has(id))) this.#take(calls);
    else await this.choose(this.#chosen);
  }

  async #load(before: string | null): Promise<void> {
    const signal = this.#asking?.signal;
    this.loading = true;
    try {
      for (let tries = 0; tries < ON_AND_ON; tries++) {
        const query = asQuery(this.#chosen);
        query.set("limit", String(before === null ? FIRST : MORE));
        if (before !== null) query.set("before", before);
        const page = await get<CallPage>(`/calls?${query}`, signal);
        if (signal?.aborted) return;
        const found = page.calls.map(slim);
        if (before === null) {
          this.#known = new Set();
          this.waiting = [];
        }
        for (const { id } of found) this.#known.add(id);
        this.rows = before === null ? found : [...this.rows, ...found];
        this.next = before = page.next;
        this.problem = null;
        if (found.length > 0 || before === null) break;
      }
    } catch (error) {
      if (signal?.aborted) return;
      this.problem = asProblem(error);
    }
    this.loading = false;
  }

  #take(told: ShownCall[]): void {
    const fresh = told.filter((call) => !this.#known.has(call.id)).map(slim).filter((call) => matches(call, this.#chosen));
    if (fresh.length === 0 || (this.loading && this.rows.length === 0)) return;
    for (const { id } of fresh) this.#known.add(id);
    fresh.sort((one, other) => (one.id < other.id ? 1 : -1));
    if (this.takes) {
      this.rows = merged(this.rows, fresh);
      this.came(fresh.length, fresh.filter(isFailed).length);
    } else this.waiting = merged(this.waiting, fresh);
    this.#summing ??= window.setTimeout(() => void this.#sum(), Math.max(SUM_AGAIN, SUM_SHARE * this.#sumMs));
  }

  async #sum(): Promise<void> {
    clearTimeout(this.#summing);
    this.#summing = undefined;
    const signal = this.#asking?.signal;
    const began = performance.now();
    try {
      const sums = await get<CallSums>(`/calls/sums?${asQuery(this.#chosen)}`, signal);
      if (!signal?.aborted) this.sums = sums;
    } catch {
      // The list says what is wrong; without sums it is still a list.
    }
    this.#sumMs = performance.now() - began;
  }
}

/** Both by id, the newest first; most often all of `fresh` goes on top. */
export function merged(rows: ChosenCall[], fresh: ChosenCall[]): ChosenCall[] {
  const first = rows[0];
  const last = fresh[fresh.length - 1];
  if (!first || !last || last.id > first.id) return [...fresh, ...rows];
  const all: ChosenCall[] = [];
  let at = 0;
  for (const [number, row] of rows.entries()) {
    for (let one = fresh[at]; one && one.id > row.id; one = fresh[++at]) all.push(one);
    if (at === fresh.length) return all.concat(rows.slice(number));
    all.push(row);
  }
  return all.concat(fresh.slice(at));
}

export function slim(call: ShownCall): ChosenCall {
  const kept = Object.fromEntries(KEPT.map((name) => [name, call[name]])) as unknown as Omit<ChosenCall, "losses">;
  return { ...kept, losses: call.losses.length };
}
