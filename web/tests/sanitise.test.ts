import { describe, expect, test } from "vitest";

import { Answer } from "../src/lib/markdown/answer.ts";
import { coloured, mathematics, prose } from "../src/lib/markdown/sanitise.ts";
import { chance } from "./chance.ts";

const TAGS = new Set([
  "a", "blockquote", "br", "button", "code", "del", "div", "em", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "span", "strong", "table", "tbody", "td", "th",
  "thead", "tr", "ul",
]);
const ATTRIBUTES = new Set(["align", "class", "href", "referrerpolicy", "rel", "start", "tabindex", "target", "title", "type", "data-coloured", "data-bad"]);

/** What a hostile model may write: markup of every kind, markdown with bad addresses, and mixtures that survive parsers. */
const HOSTILE = [
  "<script>window.__ran = 1</script>", "<img src=x onerror=\"window.__ran=1\">", "<svg onload=window.__ran=1>", "<svg><script>window.__ran=1</script></svg>",
  "<iframe src=javascript:window.__ran=1></iframe>", "<iframe srcdoc='<script>parent.__ran=1</script>'></iframe>", "<object data=https://evil.example/x></object>", "<embed src=https://evil.example/x>",
  "<video src=https://evil.example/v autoplay>", "<audio src=https://evil.example/a autoplay>", "<link rel=stylesheet href=https://evil.example/c>", "<link rel=prefetch href=https://evil.example/p>",
  "<style>@import 'https://evil.example/c';</style>", "<div style=\"background:url(https://evil.example/b)\">x</div>", "<div style=\"position:fixed;inset:0;z-index:99\">overlay</div>", "<base href=https://evil.example/>",
  "<meta http-equiv=refresh content='0;url=https://evil.example/'>", "<form action=https://evil.example/><input name=key><button>Send</button></form>", "<input autofocus onfocus=window.__ran=1>", "<details open ontoggle=window.__ran=1>x</details>",
  "<a href=javascript:window.__ran=1>click</a>", "<a id=app name=location href=#>clobber</a>", "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=window.__ran=1&gt;'>", "<noscript><p title='</noscript><img src=x onerror=window.__ran=1>'>",
  "<template><script>window.__ran=1</script></template>", "<math><annotation-xml encoding='text/html'><script>window.__ran=1</script></annotation-xml></math>", "<textarea><img src=x onerror=window.__ran=1></textarea>", "<xmp><img src=x onerror=window.__ran=1></xmp>",
  "[x](javascript:window.__ran=1)", "[x](JaVaScRiPt:window.__ran=1)", "[x](data:text/html,<script>window.__ran=1</script>)", "[x](vbscript:x)", "[x](//evil.example/y)", "[x](http://evil.example/y)", "[x](file:///etc/passwd)",
  "![x](https://evil.example/i.png)", "![x](javascript:window.__ran=1)", "![x](data:image/svg+xml,<svg onload=window.__ran=1>)", "[![x](https://evil.example/i.png)](https://evil.example)", "<https://evil.example/?q=`secret`>",
  "$\\href{javascript:window.__ran=1}{x}$", "$\\includegraphics{https://evil.example/i}$", "$\\htmlStyle{background:url(https://evil.example)}{x}$", "$\\htmlId{app}{x}$", "$$\\def\\x{\\x\\x}\\x$$", "$\\rule{9999em}{9999em}$",
  "```\"><script>window.__ran=1</script>\nx\n```", "```python onclick=window.__ran=1\nx\n```", "```html\n<script>window.__ran=1</script>\n```", "~~~\"class=overlay\nx\n~~~", "`<img src=x onerror=window.__ran=1>`",
  "| <img src=x onerror=window.__ran=1> | b |\n|---|---|\n| <script>window.__ran=1</script> | 2 |", "[ref]: javascript:window.__ran=1\n\n[x][ref]", "\u202Egnp.exe\u202C", "&lt;script&gt;window.__ran=1&lt;/script&gt;", "<p class=\"dock trouble\" id=app>x</p>",
];

function assertHarmless(root: HTMLElement, from: string): void {
  for (const element of root.querySelectorAll("*")) {
    const inMath = element.closest("math") !== null;
    if (!inMath) expect(TAGS.has(element.localName), `<${element.localName}> from ${from}`).toBe(true);
    for (const { name, value } of element.attributes) {
      expect(name, from).not.toMatch(/^on|^style$|^id$|^src|^name$/);
      if (!inMath) expect(ATTRIBUTES.has(name), `${name}="${value}" from ${from}`).toBe(true);
      if (name === "href") expect(value, from).toMatch(/^(https:\/\/|mailto:)/);
    }
    if (element.localName === "a" && element.hasAttribute("href")) expect(element.getAttribute("rel"), from).toContain("noopener");
  }
  expect((window as unknown as { __ran?: number }).__ran, from).toBeUndefined();
}

function show(pieces: readonly string[]): HTMLElement {
  const root = document.createElement("div");
  document.body.replaceChildren(root);
  const answer = new Answer(root, { copy: "Copy", image: "Image:" });
  for (const piece of pieces) {
    answer.push(piece);
    answer.step();
    assertHarmless(root, pieces.join(""));
  }
  answer.end();
  answer.flush();
  return root;
}

describe("hostile answers", () => {
  test.each(HOSTILE)("%s", (text) => {
    assertHarmless(show([text]), text);
  });

  test("stay harmless in any chunking and any company, at every step", { timeout: 30_000 }, () => {
    for (let seed = 1; seed <= 40; seed++) {
      const random = chance(seed);
      const text = Array.from({ length: 4 }, () => random.pick(HOSTILE)).join(random.pick(["\n\n", "\n", " ", "\n- ", "\n> "]));
      assertHarmless(show(random.pieces(text, 40)), text);
    }
  });

  test("raw HTML is shown as the model wrote it", () => {
    const root = show(["<script>alert(1)</script> and <b>bold</b>"]);
    expect(root.textContent?.trim()).toBe("<script>alert(1)</script> and <b>bold</b>");
  });

  test("a link says where it leads", () => {
    expect(show(["[click here](https://evil.example/path)"]).querySelector("a")?.textContent).toBe("click here (evil.example)");
  });

  test("a picture is a link, never a request", () => {
    const root = show(["![a chart](https://evil.example/i.png)"]);
    expect(root.querySelector("img")).toBeNull();
    expect(root.querySelector("a.image")?.textContent).toBe("Image: a chart (evil.example)");
  });

  test("a picture with a bad address is words", () => {
    const root = show(["![a chart](data:image/png;base64,AAAA)"]);
    expect(root.querySelector("[href], img")).toBeNull();
    expect(root.textContent).toContain("a chart");
  });
});

describe("the gates themselves", () => {
  test.each(HOSTILE)("prose keeps nothing harmful of raw %s", (text) => {
    const root = document.createElement("div");
    root.append(prose(text));
    for (const element of root.querySelectorAll("*")) expect(element.localName).not.toMatch(/script|style|img|iframe|svg|math|object|embed|form|input|link|meta|base|video|audio/);
  });

  test.each(HOSTILE)("mathematics and colours keep nothing harmful of %s", (text) => {
    const root = document.createElement("div");
    root.append(mathematics(text), coloured(text));
    for (const element of root.querySelectorAll("*")) {
      expect(element.localName).not.toMatch(/script|style$|img|iframe|svg|annotation|mglyph|maction|^a$|object|form/);
      for (const { name } of element.attributes) expect(name).not.toMatch(/^on|^style$|^id$|href|^src/);
    }
  });
});
