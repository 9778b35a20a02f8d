/** What the fields of a loss report mean to somebody who does not know the protocols. */

import { t, tOr } from "../../../lib/words.svelte.ts";

/** A sentence on the field, or nothing where its name is the client's own word. */
export function meaning(what: string): string {
  const known = tOr(`field.${what}`, "");
  if (known) return known;
  if (what.startsWith("tools.")) return t("field.hostedTool");
  if (what.startsWith("tools[].")) return t("field.toolField");
  if (what.startsWith("messages[]")) return t("field.messageField");
  return t("field.own");
}
