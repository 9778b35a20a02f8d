/** Messages of the catalogues: `{name}`, and `{n, plural, one {# vote} other {# votes}}`. */

import { count } from "./format.ts";

export type Values = Record<string, string | number>;

/** `message` with its values written in. Numbers are written as the language writes them. */
export function format(message: string, language: string, values: Values = {}): string {
  let out = "";
  let at = 0;
  while (at < message.length) {
    const open = message.indexOf("{", at);
    if (open < 0) return out + message.slice(at);
    const close = closing(message, open);
    out += message.slice(at, open) + written(message.slice(open + 1, close), language, values);
    at = close + 1;
  }
  return out;
}

function written(inside: string, language: string, values: Values): string {
  const [name = "", kind, ...rest] = inside.split(",");
  const value = values[name.trim()];
  if (kind?.trim() === "plural") return plural(rest.join(","), language, Number(value));
  if (value === undefined) return `{${inside}}`;
  return typeof value === "number" ? numberText(value, language) : value;
}

function plural(forms: string, language: string, n: number): string {
  const form = new Intl.PluralRules(language).select(n);
  const chosen = branch(forms, `=${n}`) ?? branch(forms, form) ?? branch(forms, "other") ?? "";
  return format(chosen.replaceAll("#", numberText(n, language)), language);
}

function branch(forms: string, name: string): string | undefined {
  const start = new RegExp(`(?:^|\\s)${name}\\s*\\{`).exec(forms);
  if (!start) return undefined;
  const open = start.index + start[0].length - 1;
  return forms.slice(open + 1, closing(forms, open));
}

function closing(text: string, open: number): number {
  let depth = 0;
  for (let at = open; at < text.length; at++) {
    if (text[at] === "{") depth++;
    else if (text[at] === "}" && --depth === 0) return at;
  }
  throw new Error(`a brace of the message ${JSON.stringify(text)} is never closed`);
}

function numberText(value: number, language: string): string {
  return count(value, language);
}

/** A piece of a sentence: plain words, `code`, **strong** words, or a [link](address). */
export interface Piece {
  kind: "text" | "code" | "strong" | "link";
  text: string;
  href?: string;
}

/** The pieces of a message, each still with its placeholders, so that a value can never become markup. */
export function pieces(message: string): Piece[] {
  const found: Piece[] = [];
  let at = 0;
  for (const match of message.matchAll(/`([^`]+)`|\*\*([^*]+)\*\*|\[([^\]]+)\]\(([^)]+)\)/g)) {
    if (match.index > at) found.push({ kind: "text", text: message.slice(at, match.index) });
    if (match[1] !== undefined) found.push({ kind: "code", text: match[1] });
    else if (match[2] !== undefined) found.push({ kind: "strong", text: match[2] });
    else found.push({ kind: "link", text: match[3] ?? "", href: match[4] ?? "" });
    at = match.index + match[0].length;
  }
  if (at < message.length) found.push({ kind: "text", text: message.slice(at) });
  return found;
}
