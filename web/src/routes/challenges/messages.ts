/** Messages of a transcript as a reader needs them. */

import type { Message } from "../../lib/types.ts";

export type Part = NonNullable<Message["parts"]>[number];

/** The words of a message, without thinking, tools and media. */
export function wordsOf({ parts = [] }: Message): string {
  return parts.flatMap((part) => (part.type === "text" || part.type === "refusal" ? [part.text] : [])).join("");
}

/** What was asked last, and all that came before it. Without a question of a person, the last message is what was asked. */
export function question(messages: readonly Message[]): { asked: Message | null; before: Message[]; after: Message[] } {
  const found = messages.findLastIndex(({ role }) => role === "user");
  const at = found < 0 ? messages.length - 1 : found;
  return { asked: messages[at] ?? null, before: messages.slice(0, Math.max(0, at)), after: messages.slice(at + 1) };
}

/** JSON as a person reads it; text that is none stays as it is. */
export function readable(json: string): string {
  try {
    return JSON.stringify(JSON.parse(json), null, 2);
  } catch {
    return json;
  }
}

/** A picture that came along by value; nothing is fetched from anywhere. */
export function pictureSource(part: Part): string | null {
  if (part.type !== "image" || !part.data) return null;
  const kind = part.media_type ?? "image/png";
  return /^image\/(png|jpeg|gif|webp)$/.test(kind) ? `data:${kind};base64,${part.data}` : null;
}

/** Everything that was said, as text: how long reading it takes goes by this. */
export function allWords(messages: readonly Message[]): string {
  return messages.map(wordsOf).join("\n");
}
