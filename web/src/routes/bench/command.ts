/** The command line that asks for the same. */

import type { NewRun } from "../../lib/types.ts";

const NANO = 1e9;

export function asCommand(spec: NewRun): string {
  const said: Array<[string, string | number | null | undefined]> = [
    ["--model", spec.model], ["--limit", spec.limit], ["--samples", spec.samples], ["--judge", spec.judge], ["--baseline", spec.baseline],
    ["--concurrency", spec.concurrency === 32 ? null : spec.concurrency], ["--budget", spec.budget ? spec.budget.nano / NANO : null],
  ];
  const options = said.flatMap(([flag, value]) => (value === null || value === undefined || value === "" ? [] : [`${flag} ${value}`]));
  return ["assay bench run", spec.task, ...options].join(" ");
}
