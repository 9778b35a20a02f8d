/**
 * Cuts a growing answer into blocks that will never change again, and a tail that may.
 *
 * After each blank line the tail is cut where its last top-level block begins: whatever stands before has been closed by a
 * whole line of something else, and no later line can reopen it. The decision depends only on complete lines, so any
 * chunking of the same text gives the same blocks.
 */

import { topLevel, type Links } from "./parse.ts";

export class Blocks {
  /** The link definitions that have come so far. */
  readonly links: Links = {};
  #tail = "";
  #seen = 0;
  #carriage = false;

  /** What is not settled yet. */
  get tail(): string {
    return this.#tail;
  }

  /** Takes more text; returns the sources of the blocks that it settled. */
  feed(text: string): string[] {
    this.#tail += this.#newlines(text);
    const settled: string[] = [];
    for (;;) {
      const end = this.#tail.indexOf("\n", this.#seen);
      if (end < 0) return settled;
      const line = this.#tail.slice(this.#seen, end);
      this.#seen = end + 1;
      if (line.trim() === "") settled.push(...this.#cut());
    }
  }

  /** The answer is over: the tail is settled too. */
  finish(): string[] {
    const blocks = this.#tail.trim() === "" ? [] : topLevel(this.#tail, this.links).map((token) => token.raw);
    this.#tail = "";
    this.#seen = 0;
    return blocks.filter((raw) => raw.trim() !== "");
  }

  #cut(): string[] {
    const tokens = topLevel(this.#tail.slice(0, this.#seen), this.links);
    const last = tokens.findLastIndex((token) => token.type !== "space");
    if (last <= 0) return [];
    const settled = tokens.slice(0, last).map((token) => token.raw);
    const length = settled.reduce((sum, raw) => sum + raw.length, 0);
    this.#tail = this.#tail.slice(length);
    this.#seen -= length;
    return settled.filter((raw) => raw.trim() !== "");
  }

  /** CR and CRLF as LF, also where a chunk ends between the two; NUL, which no document may hold, is dropped. */
  #newlines(text: string): string {
    const whole = this.#carriage ? `\r${text}` : text;
    this.#carriage = whole.endsWith("\r");
    return (this.#carriage ? whole.slice(0, -1) : whole).replace(/\r\n?/g, "\n").replaceAll("\0", "");
  }
}
