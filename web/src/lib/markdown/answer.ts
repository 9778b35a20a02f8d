/**
 * Shows an answer while it grows: settled blocks are made once and never touched, only the tail is made anew.
 *
 * Text is released in steps so that a burst does not hold up a frame; a step is a frame's work for one answer.
 */

import { Blocks } from "./blocks.ts";
import { colour } from "./code.ts";
import { dress, type Labels, type Outline } from "./dress.ts";
import { setMaths } from "./maths.ts";
import { html } from "./parse.ts";
import { patch } from "./patch.ts";
import { prose } from "./sanitise.ts";

/** While it grows, code is coloured only up to this many characters: each step colours it anew. */
const GROWING_CODE = 6_000;
/** The most characters that one step takes in. */
const MOST = 6_000;
const LEAST = 12;

export class Answer {
  #root: HTMLElement;
  #labels: Labels;
  #blocks = new Blocks();
  #settled: Array<{ source: string; element: HTMLElement; outline: Outline }> = [];
  /** The headings that the tail stands under. */
  #outline: Outline = [];
  #tail: HTMLElement;
  #waiting = "";
  #over = false;
  #finished = false;
  #stale = false;

  constructor(root: HTMLElement, labels: Labels) {
    this.#root = root;
    this.#labels = labels;
    this.#tail = block();
    root.replaceChildren(this.#tail);
  }

  push(text: string): void {
    this.#waiting += text;
  }

  /** No more text will come. */
  end(): void {
    this.#over = true;
  }

  /** Whether a step would change anything. */
  get busy(): boolean {
    return this.#waiting !== "" || this.#stale || (this.#over && !this.#finished);
  }

  /** One frame's work. Half of what waits is released, so that uneven arrivals read evenly. */
  step(): void {
    if (this.#stale) this.#refresh();
    const size = Math.min(MOST, Math.max(LEAST, Math.ceil(this.#waiting.length / 2)));
    this.#take(wholeCharacters(this.#waiting, size));
    if (this.#over && this.#waiting === "" && !this.#finished) this.#finish();
  }

  /** Everything at once. */
  flush(): void {
    this.#take(this.#waiting.length);
    if (this.#over && !this.#finished) this.#finish();
  }

  #take(size: number): void {
    if (size === 0) return;
    const settled = this.#blocks.feed(this.#waiting.slice(0, size));
    this.#waiting = this.#waiting.slice(size);
    this.#settle(settled);
    patch(this.#tail, this.#made(this.#blocks.tail, this.#outline, GROWING_CODE).fragment);
  }

  #settle(sources: string[]): void {
    for (const source of sources) {
      const element = block();
      const above = this.#outline;
      const { fragment, outline } = this.#made(source, above);
      if (!fragment.hasChildNodes()) continue;
      this.#outline = outline;
      element.append(fragment);
      this.#tail.before(element);
      this.#settled.push({ source, element, outline: above });
    }
  }

  #finish(): void {
    this.#finished = true;
    this.#settle(this.#blocks.finish());
    this.#tail.remove();
    if (Object.keys(this.#blocks.links).length > 0) this.#resolveLinks();
  }

  /** A link may be defined after the words that use it. */
  #resolveLinks(): void {
    for (const { source, element, outline } of this.#settled) {
      if (source.includes("[")) element.replaceChildren(this.#made(source, outline).fragment);
    }
  }

  /** A language or KaTeX has come: what waited for it is dressed. */
  #refresh(): void {
    this.#stale = false;
    const arrived = () => this.#outdate();
    colour(this.#root, arrived);
    setMaths(this.#root, arrived);
  }

  #made(source: string, above: Outline, longestCode?: number): { fragment: DocumentFragment; outline: Outline } {
    const fragment = prose(html(source, this.#blocks.links));
    const arrived = () => this.#outdate();
    setMaths(fragment, arrived);
    colour(fragment, arrived, longestCode);
    return { outline: dress(fragment, this.#labels, above), fragment };
  }

  #outdate(): void {
    this.#stale = true;
    this.onstale();
  }

  /** Called when something arrived that asks for another step. */
  onstale: () => void = () => {};
}

function block(): HTMLElement {
  const element = document.createElement("div");
  element.className = "block";
  return element;
}

/** `size`, or one more where it would cut a surrogate pair. */
function wholeCharacters(text: string, size: number): number {
  const unit = text.charCodeAt(size - 1);
  return size < text.length && unit >= 0xd800 && unit < 0xdc00 ? size + 1 : Math.min(size, text.length);
}
