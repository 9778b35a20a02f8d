/** Which rows of a long list are within sight: only they are drawn. */

/** Rows drawn above and below what is in sight. */
const SPARE = 16;
/** What is drawn changes by so many rows at once. */
const STEP = 8;

export class Rows {
  first = $state(0);
  last = $state(60);
  /** The height of one row. */
  height = $state(44);
  #list: HTMLElement | null = null;

  /** Looks at `list` whenever the window is scrolled or resized; gives back how to stop. */
  watch(list: HTMLElement): () => void {
    this.#list = list;
    const look = () => this.look();
    addEventListener("scroll", look, { passive: true });
    addEventListener("resize", look, { passive: true });
    this.look();
    return () => {
      removeEventListener("scroll", look);
      removeEventListener("resize", look);
      this.#list = null;
    };
  }

  look(): void {
    if (!this.#list) return;
    const height = parseFloat(getComputedStyle(this.#list).getPropertyValue("--row-height"));
    if (height > 0) this.height = height;
    const above = -this.#list.getBoundingClientRect().top;
    const first = Math.max(0, Math.floor(above / this.height) - SPARE);
    this.first = first - (first % STEP);
    const last = Math.ceil((above + innerHeight) / this.height) + SPARE;
    this.last = Math.max(last + STEP - (last % STEP), STEP);
  }

  /** Brings row `at` into sight, below the page's header. */
  show(at: number): void {
    if (!this.#list) return;
    const box = this.#list.getBoundingClientRect();
    const top = box.top + at * this.height;
    const head = 140;
    if (top < head) scrollBy(0, top - head);
    else if (top + this.height > innerHeight) scrollBy(0, top + this.height - innerHeight + 8);
    this.look();
  }
}
