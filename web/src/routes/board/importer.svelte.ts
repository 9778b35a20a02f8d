/** Fetches a public set of votes into the store, and tells how it went. */

import { asProblem, post, type Problem } from "../../lib/api.ts";
import type { Imported } from "../../lib/types.ts";

export class Importer {
  running = $state<string | null>(null);
  problem = $state.raw<Problem | null>(null);
  report = $state.raw<Imported | null>(null);

  async run(name: string): Promise<Imported | null> {
    this.running = name;
    this.problem = null;
    try {
      this.report = await post<Imported>(`/datasets/${encodeURIComponent(name)}/import`);
      return this.report;
    } catch (error) {
      this.problem = asProblem(error);
      return null;
    } finally {
      this.running = null;
    }
  }
}
