/** The settings that a request gave, each with its name for people; what was not given is not listed. */

import type { Request } from "../../../lib/types.ts";
import { t, tOr } from "../../../lib/words.svelte.ts";

export interface Setting {
  name: string;
  label: string;
  value: string;
}

export function settingsOf(request: Request): Setting[] {
  const { sampling = {}, tool_choice, parallel_tool_calls, output, user, extra = {} } = request;
  const given: Array<[string, unknown]> = [
    ...Object.entries(sampling),
    ["tool_choice", tool_choice?.mode === "named" ? tool_choice.name : tool_choice?.mode],
    ["parallel_tool_calls", parallel_tool_calls],
    ["output", output && output.kind !== "text" ? (output.schema ? { [output.kind]: output.schema } : output.kind) : null],
    ["user", user],
    ...Object.values(extra).flatMap((fields) => Object.entries(fields)),
  ];
  return given
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([name, value]) => ({ name, label: tOr(`setting.${name}`, name), value: written(value) }));
}

function written(value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value === "boolean") return value ? t("settings.yes") : t("settings.no");
  return JSON.stringify(value, null, typeof value === "object" ? 2 : undefined);
}
