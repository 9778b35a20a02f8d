/** Something asked of the server: loading, here, or a problem with a way to ask again. */

import { asProblem, type Problem } from "./api.ts";

export class Resource<T> {
  data = $state.raw<T | null>(null);
  problem = $state.raw<Problem | null>(null);
  loading = $state(true);
  #ask: (signal: AbortSignal) => Promise<T>;
  #running: AbortController | null = null;

  constructor(ask: (signal: AbortSignal) => Promise<T>) {
    this.#ask = ask;
  }

  /** Asks (again). What is here stays until the new answer comes; of two questions under way only the later counts. */
  async load(): Promise<void> {
    this.#running?.abort();
    const running = new AbortController();
    this.#running = running;
    this.loading = true;
    try {
      const data = await this.#ask(running.signal);
      if (running.signal.aborted) return;
      this.data = data;
      this.problem = null;
    } catch (error) {
      if (running.signal.aborted) return;
      this.problem = asProblem(error);
    }
    this.loading = false;
  }
}
