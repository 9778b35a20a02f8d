/** Follows a stream over broken lines. */

import { asProblem, follow, type Problem } from "./api.ts";

/** Pauses before the stream is asked for again, longer each time. */
const PAUSES_MS = [500, 1_000, 2_000, 5_000, 10_000];

export interface Following<T> {
  /** Takes what has happened; true where that was the end. */
  hear: (event: T) => boolean;
  /** Told when the stream breaks, and when it is heard again. */
  behind: (is: boolean) => void;
}

/** Follows what happens at `path` until its end or `signal`. The problem that lasts, such as that it is gone or forbidden. */
export async function followOn<T>(path: string, signal: AbortSignal, { hear, behind }: Following<T>): Promise<Problem | null> {
  for (let tries = 0; !signal.aborted; tries++) {
    try {
      for await (const event of follow<T>(path, signal)) {
        tries = 0;
        behind(false);
        if (hear(event)) return null;
      }
    } catch (error) {
      if (signal.aborted) return null;
      const problem = asProblem(error);
      // Gone or forbidden stays so; a server that is away may come back.
      if (problem.status >= 400 && problem.status < 500) return problem;
    }
    behind(true);
    await pause(PAUSES_MS[Math.min(tries, PAUSES_MS.length - 1)] ?? 0, signal);
  }
  return null;
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
