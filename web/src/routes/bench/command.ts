/** The command line that asks for the same. */

import type { NewRun } from "../../lib/types.ts";

const NANO = 1e9;

export function asCommand(spec: NewRun): string {
  const said: Array<[string, string | number | null | undefined]> = [
    ["--model", spec.model], ["--limit", spec.limit], ["--samples", spec.samples], ["--judge", spec.judge], ["--baseline", spec.baseline],
    ["--concurrency", spec.concurrency === 32 ? null : spec.concurrency], ["--budget", spec.budget ? spec.budget.nano / NANO : null],
    ["--seed", spec.seed || null], ["--max-tokens", spec.sampling?.max_tokens], ["--temperature", spec.sampling?.temperature], ["--effort", spec.sampling?.effort],
  ];
  const options = said.flatMap(([flag, value]) => (value === null || value === undefined || value === "" ? [] : [`${flag} ${value}`]));
  const flags = [spec.use_cache && "--cache", spec.unlocked && "--unlock"].filter(Boolean);
  return ["assay bench run", spec.task, ...options, ...flags].join(" ");
}
