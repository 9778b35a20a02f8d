/** The snippets of the guide, with this server's address and the chosen model in their blanks. */

import clients from "./clients.json";

export interface Snippet {
  file: string | null;
  language: string;
  text: string;
}

export interface Client {
  id: string;
  title: string;
  group: "agents" | "editors" | "libraries";
  version: string | null;
  protocols: string[];
  known: "tested" | "by_hand" | "not_run";
  snippets: Snippet[];
}

export const CLIENTS = clients as Client[];

/** What stands in the blanks. `short` is a name of one's own for the model. */
export interface Blanks {
  address: string;
  model: string;
  title: string;
}

/** Names that can stand in any snippet without quoting: a provider's list might hold others. */
export function isPlain(model: string): boolean {
  return /^[\w.:@+-]+(?:\/[\w.:@+-]+)*$/.test(model);
}

export function fill(text: string, { address, model, title }: Blanks): string {
  const short = model.slice(model.lastIndexOf("/") + 1);
  const plainTitle = title.replace(/["\\\p{C}]/gu, "");
  return text.replace(/\{(address|model|title|short)\}/g, (_, name: string) => ({ address, model, title: plainTitle, short })[name] ?? "");
}
