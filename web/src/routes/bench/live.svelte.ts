/** A run as it stands, followed while it goes on. */

import { asProblem, get, post, type Problem } from "../../lib/api.ts";
import { followOn } from "../../lib/follow.ts";
import type { RunEvent, ShownRun } from "../../lib/types.ts";

export class LiveRun {
  readonly id: string;
  run = $state.raw<ShownRun | null>(null);
  problem = $state.raw<Problem | null>(null);
  /** What stopping or going on ran into. */
  refused = $state.raw<Problem | null>(null);
  /** Whether what is shown may be old: the stream broke and is being asked for again. */
  behind = $state(false);
  busy = $state(false);
  #stream: AbortController | null = null;

  constructor(id: string) {
    this.id = id;
  }

  /** Fetches it, and follows it until it goes on no longer. */
  async open(): Promise<void> {
    this.#stream?.abort();
    const stream = new AbortController();
    this.#stream = stream;
    try {
      this.run = await get<ShownRun>(`/bench/runs/${this.id}`, stream.signal);
      this.problem = null;
    } catch (error) {
      if (!stream.signal.aborted) this.problem = asProblem(error);
      return;
    }
    if (this.run.state === "running") await this.#follow(stream.signal);
  }

  async ask(what: "stop" | "resume"): Promise<void> {
    this.busy = true;
    this.refused = null;
    try {
      await post(`/bench/runs/${this.id}/${what}`);
    } catch (error) {
      this.refused = asProblem(error);
    }
    this.busy = false;
    if (!this.refused) void this.open();
  }

  close(): void {
    this.#stream?.abort();
  }

  async #follow(signal: AbortSignal): Promise<void> {
    const hear = (event: RunEvent): boolean => {
      if (event.event === "progress" || event.event === "end") this.run = event.run;
      return event.event === "end";
    };
    const lasting = await followOn(`/bench/runs/${this.id}/events`, signal, { hear, behind: (is) => (this.behind = is) });
    if (lasting) this.problem = lasting;
  }
}
