/** A challenge as it stands, followed while it runs. */

import { asProblem, follow, get, post, Problem } from "../../lib/api.ts";
import type { ChallengeEvent, Report } from "../../lib/types.ts";

/** Pauses before the stream is asked for again, longer each time. */
const PAUSES_MS = [500, 1_000, 2_000, 5_000, 10_000];

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
    for (let tries = 0; !signal.aborted; tries++) {
      try {
        for await (const event of follow<ChallengeEvent>(`/challenges/${this.id}/events`, signal)) {
          if (event.event !== "progress" && event.event !== "end") continue;
          tries = 0;
          this.behind = false;
          this.report = event.report;
          if (event.event === "end") return;
        }
      } catch (error) {
        if (signal.aborted) return;
        const problem = asProblem(error);
        // Gone or forbidden stays so; a server that is away may come back.
        if (problem.status >= 400 && problem.status < 500) {
          this.problem = problem;
          return;
        }
      }
      this.behind = true;
      await pause(PAUSES_MS[Math.min(tries, PAUSES_MS.length - 1)] ?? 0, signal);
    }
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      done();
    });
  });
}
