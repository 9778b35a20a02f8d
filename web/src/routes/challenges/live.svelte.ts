/** A challenge as it stands, followed while it runs. */

import { asProblem, get, post, type Problem } from "../../lib/api.ts";
import { followOn } from "../../lib/follow.ts";
import type { ChallengeEvent, Report } from "../../lib/types.ts";

export class Live {
  readonly id: string;
  report = $state.raw<Report | null>(null);
  problem = $state.raw<Problem | null>(null);
  /** What stopping or resuming ran into. */
  refused = $state.raw<Problem | null>(null);
  /** Whether what is shown may be old: the stream broke and is being asked for again. */
  behind = $state(false);
  busy = $state(false);
  #stream: AbortController | null = null;

  constructor(id: string) {
    this.id = id;
  }

  /** Fetches it, and follows it until it no longer runs. */
  async open(): Promise<void> {
    this.#stream?.abort();
    const stream = new AbortController();
    this.#stream = stream;
    try {
      this.report = await get<Report>(`/challenges/${this.id}`, stream.signal);
      this.problem = null;
    } catch (error) {
      if (!stream.signal.aborted) this.problem = asProblem(error);
      return;
    }
    if (this.report.state === "running") await this.#follow(stream.signal);
  }

  async stop(): Promise<void> {
    await this.#ask("stop");
  }

  async resume(): Promise<void> {
    await this.#ask("resume");
  }

  close(): void {
    this.#stream?.abort();
  }

  async #ask(what: "stop" | "resume"): Promise<void> {
    this.busy = true;
    this.refused = null;
    try {
      await post(`/challenges/${this.id}/${what}`);
    } catch (error) {
      this.refused = asProblem(error);
    } finally {
      this.busy = false;
    }
    if (!this.refused) void this.open();
  }

  async #follow(signal: AbortSignal): Promise<void> {
    const hear = (event: ChallengeEvent): boolean => {
      if (event.event === "progress" || event.event === "end") this.report = event.report;
      return event.event === "end";
    };
    const lasting = await followOn(`/challenges/${this.id}/events`, signal, { hear, behind: (is) => (this.behind = is) });
    if (lasting) this.problem = lasting;
  }
}
