/** Something that the reader does: under way, done, or a problem to show beside it. */

import { asProblem, type Problem } from "./api.ts";

export class Act {
  busy = $state(false);
  problem = $state.raw<Problem | null>(null);

  /** Whether it went well. Asked while something is under way, it does nothing. */
  async run(work: () => Promise<unknown>): Promise<boolean> {
    if (this.busy) return false;
    this.busy = true;
    this.problem = null;
    try {
      await work();
    } catch (error) {
      this.problem = asProblem(error);
    }
    this.busy = false;
    return this.problem === null;
  }
}
