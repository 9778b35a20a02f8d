import { beforeAll, describe, expect, test } from "vitest";

import { ANSWERS } from "../dev/answers.ts";
import { Answer } from "../src/lib/markdown/answer.ts";
import { Blocks } from "../src/lib/markdown/blocks.ts";
import { colour } from "../src/lib/markdown/code.ts";
import { setMaths } from "../src/lib/markdown/maths.ts";
import { html } from "../src/lib/markdown/parse.ts";
import { prose } from "../src/lib/markdown/sanitise.ts";
import { chance, type Chance } from "./chance.ts";

const LABELS = { copy: "Copy", image: "Image:" };

/** The lazy parts are fetched once, so that every answer below finds them. */
beforeAll(async () => {
  const box = document.createElement("div");
  box.innerHTML = '<pre><code class="language-python">x</code></pre><pre><code class="language-typescript">x</code></pre><code class="math">x</code>';
  await new Promise<void>((resolve) => {
    let left = 3;
    const arrived = () => {
      if (--left === 0) resolve();
    };
    colour(box, arrived);
    setMaths(box, arrived);
  });
});

function shown(pieces: readonly string[], steps: boolean): string {
  const root = document.createElement("div");
  const answer = new Answer(root, LABELS);
  for (const piece of pieces) {
    answer.push(piece);
    if (steps) answer.step();
  }
  answer.end();
  if (steps) while (answer.busy) answer.step();
  else answer.flush();
  return root.innerHTML;
}

/** One piece of markdown of every kind, and some that end in the middle of something. */
const FRAGMENTS = [
  "A plain paragraph with *stress*, **weight** and `code`.\n\n", "Two lines\nof one paragraph\n\n", "# A title\n", "Set below\n===\n\n", "Another\n---\n",
  "- one\n- two\n\n", "- loose\n\n- list\n\n  with a paragraph\n\n", "1. first\n2. second\n   - inner\n\n", "* [ ] open\n* [x] done\n\n", "2.",
  "```python\ndef f():\n\n    return 1\n```\n\n", "```\nno language\n\n\n```\n", "~~~typescript\nlet a = 1;\n~~~\n", "```python\nnever closed\n\n", "    indented\n\n    code\n\n",
  "> a quote\n> of two lines\n\n", "> lazy\nquote\n\n", "| a | b |\n|---|:-:|\n| 1 | 2 |\n\n", "| a | b |\n|---|\n", "---\n\n", "***\n",
  "[a link](https://example.com/x) and <https://example.org>\n\n", "[by name][ref] and [ref]\n\n", "[ref]: https://example.com/defined\n\n", "![alt](https://example.com/i.png)\n\n",
  "$x^2$ and \\(y\\) at $5 or $6\n\n", "$$\n\\frac{1}{2}\n$$\n\n", "\\[\na + b\n\\]\n", "$$\nnever closed\n\n", "<div onclick=x>\n\nraw\n</div>\n\n", "<b>inline</b> &amp; entity\n\n",
  "中文一段，**加粗**，`代码`。\n\n", "emoji 👩‍👩‍👧 and 𠀋\n\n", "tab\there\r\nand CRLF\r\n\r\n", "\n\n\n", "  \n", "trailing spaces  \nbreak\n\n", "a\\\nb\n\n", "no newline at the end",
];

function document_(random: Chance, most: number): string {
  return Array.from({ length: 1 + random.upTo(most) }, () => random.pick(FRAGMENTS)).join("");
}

describe("an answer that grows", () => {
  test("falls into the same blocks, however it was cut into pieces", () => {
    for (let seed = 1; seed <= 1500; seed++) {
      const random = chance(seed);
      const text = document_(random, 12);
      const cut = (pieces: string[]) => {
        const blocks = new Blocks();
        return [...pieces.flatMap((piece) => blocks.feed(piece)), ...blocks.finish()];
      };
      expect(cut(random.pieces(text, 1 + random.upTo(40))), `seed ${seed}: ${JSON.stringify(text)}`).toEqual(cut([text]));
    }
  });

  test("looks the same at the end, however it was cut into pieces", { timeout: 30_000 }, () => {
    for (let seed = 1; seed <= 40; seed++) {
      const random = chance(seed);
      const text = document_(random, 6);
      const whole = shown([text], false);
      expect(shown(random.pieces(text, 4 + random.upTo(60)), true), `seed ${seed}: ${JSON.stringify(text)}`).toBe(whole);
    }
  });

  test("looks as if it had been parsed in one go", () => {
    for (let seed = 1; seed <= 250; seed++) {
      const text = document_(chance(seed), 9).replace(/\r\n?/g, "\n");
      const root = document.createElement("div");
      root.append(prose(html(text, {})));
      const blocks = new Blocks();
      const made = document.createElement("div");
      for (const source of [...blocks.feed(text), ...blocks.finish()]) made.append(prose(html(source, blocks.links)));
      expect(squeezed(made), `seed ${seed}: ${JSON.stringify(text)}`).toBe(squeezed(root));
    }
  });

  test.each(ANSWERS)("is whole again from small pieces", { timeout: 30_000 }, (text) => {
    expect(shown(chance(3).pieces(text, 24), true)).toBe(shown([text], false));
  });

  test("never touches a settled block again", () => {
    const root = document.createElement("div");
    const answer = new Answer(root, LABELS);
    answer.push("First paragraph.\n\nSecond paragraph.\n\nThird");
    answer.flush();
    const first = root.firstElementChild;
    const markup = first?.innerHTML;
    answer.push(" grows.\n\n- and\n- more\n\nend");
    answer.end();
    answer.flush();
    expect(root.firstElementChild).toBe(first);
    expect(first?.innerHTML).toBe(markup);
  });

  test("keeps the nodes of the tail that did not change", () => {
    const root = document.createElement("div");
    const answer = new Answer(root, LABELS);
    answer.push("- one\n- two\n- thr");
    answer.flush();
    const item = root.querySelector("li");
    answer.push("ee\n- four");
    answer.flush();
    expect(root.querySelector("li")).toBe(item);
    expect(root.querySelectorAll("li")).toHaveLength(4);
  });

  test("resolves a link that is defined after it was used", () => {
    expect(shown(["[here][1] is a link.\n\nMore.\n\n[1]: https://example.com/late\n"], true)).toContain('href="https://example.com/late"');
  });

  test("headings of one depth look alike, and none goes more than one level down", () => {
    const root = document.createElement("div");
    root.innerHTML = shown(["## A\n\n#### B\n\n### C\n\n## D\n\n# E\n\n## F\n\n"], true);
    expect([...root.querySelectorAll("h3, h4, h5, h6")].map((one) => one.localName)).toEqual(["h3", "h4", "h4", "h3", "h3", "h4"]);
  });

  test("never cuts a character of two units in half", () => {
    const root = document.createElement("div");
    const answer = new Answer(root, LABELS);
    answer.push("𠀋".repeat(301));
    for (let step = 0; step < 12; step++) {
      answer.step();
      expect(root.textContent).not.toMatch(/[\ud800-\udbff](?![\udc00-\udfff])|\ufffd/);
    }
  });

  test("takes a burst of 100,000 characters in bounded steps", () => {
    const root = document.createElement("div");
    const answer = new Answer(root, LABELS);
    answer.push(("words ".repeat(60) + "\n\n").repeat(278));
    answer.end();
    let steps = 0;
    while (answer.busy) {
      answer.step();
      steps++;
    }
    expect(steps).toBeGreaterThan(10);
    expect(steps).toBeLessThan(60);
    expect(root.querySelectorAll(".block")).toHaveLength(278);
  });
});

function squeezed(root: HTMLElement): string {
  return root.innerHTML.replace(/>\s+</g, "><").trim();
}
