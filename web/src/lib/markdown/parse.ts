/**
 * Markdown to HTML text, for one block at a time. The HTML still has to go through `sanitise.ts` before it is shown.
 *
 * Raw HTML in an answer is text: it is shown as the model wrote it, never parsed. Headings start at h3, since the page owns
 * h1 and h2. Mathematics ($...$, $$...$$, \(...\), \[...\]) is kept as its source in `code.math`; `maths.ts` sets it.
 */

import { Lexer, Marked, type MarkedExtension, type Token, type TokenizerAndRendererExtension, type Tokens } from "marked";

export type Links = Record<string, { href: string; title: string }>;

const INLINE_MATH = [
  { opens: /^\$\$(?!\$)((?:\\.|[^\\$]){1,2000}?)\$\$(?!\$)/, display: true },
  { opens: /^\$(?![\s$])((?:\\.|[^\\$\n]){1,500}?)(?<![\s\\])\$(?![\d$])/, display: false },
  { opens: /^\\\(((?:(?!\\\)|\n\s*\n)[^]){1,2000}?)\\\)/, display: false },
  { opens: /^\\\[((?:(?!\\\]|\n\s*\n)[^]){1,2000}?)\\\]/, display: true },
];
const BLOCK_MATH = [
  /^ {0,3}\$\$[ \t]*\n?((?:(?!\$\$)(?!\n[ \t]*\n)[^]){1,8000}?)\$\$[ \t]*(?:\n|$)/,
  /^ {0,3}\\\[[ \t]*\n?((?:(?!\\\])(?!\n[ \t]*\n)[^]){1,8000}?)\\\][ \t]*(?:\n|$)/,
];

const inlineMath: TokenizerAndRendererExtension = {
  name: "inlineMath",
  level: "inline",
  start: (source) => {
    const found = source.search(/\$|\\[([]/);
    return found < 0 ? undefined : found;
  },
  tokenizer(source) {
    for (const { opens, display } of INLINE_MATH) {
      const match = opens.exec(source);
      if (match?.[1]?.trim()) return { type: "inlineMath", raw: match[0], text: match[1].trim(), display };
    }
    return undefined;
  },
  renderer: (token) => mathHtml(token as Tokens.Generic),
};

const blockMath: TokenizerAndRendererExtension = {
  name: "blockMath",
  level: "block",
  start: (source) => {
    const found = /(?:^|\n) {0,3}(?:\$\$|\\\[)/.exec(source);
    return found ? found.index + (found[0].startsWith("\n") ? 1 : 0) : undefined;
  },
  tokenizer(source) {
    for (const rule of BLOCK_MATH) {
      const match = rule.exec(source);
      if (match?.[1]?.trim()) return { type: "blockMath", raw: match[0], text: match[1].trim(), display: true };
    }
    return undefined;
  },
  renderer: (token) => `<p>${mathHtml(token as Tokens.Generic)}</p>\n`,
};

const extension: MarkedExtension = {
  gfm: true,
  extensions: [inlineMath, blockMath],
  tokenizer: { html: () => undefined, tag: () => undefined },
  renderer: {
    heading({ tokens, depth }) {
      const level = Math.min(depth + 2, 6);
      return `<h${level}>${this.parser.parseInline(tokens)}</h${level}>\n`;
    },
    image: ({ href, text }) => `<a class="image" href="${escape(href)}">${escape(text)}</a>`,
    checkbox: ({ checked }) => (checked ? "☑ " : "☐ "),
    code: ({ text, lang, escaped }) => {
      const language = /^[\w+#.-]{1,32}/.exec(lang ?? "")?.[0]?.toLowerCase();
      const attribute = language ? ` class="language-${escape(language)}"` : "";
      return `<pre><code${attribute}>${escaped ? text : escape(text)}\n</code></pre>\n`;
    },
  },
};

const marked = new Marked(extension);

/** The top-level tokens of `source`, without their inline content: enough to know where blocks end. */
export function topLevel(source: string, links: Links): Token[] {
  const lexer = new Lexer(marked.defaults);
  Object.assign(lexer.tokens.links, links);
  lexer.blockTokens(source, lexer.tokens);
  for (const [name, link] of Object.entries(lexer.tokens.links)) {
    if (!(name in links) && link.href != null) links[name] = { href: link.href, title: link.title ?? "" };
  }
  return lexer.tokens;
}

/** One block's HTML, not yet sanitised. `links` are the link definitions of the whole answer, as far as they have come. */
export function html(source: string, links: Links): string {
  const lexer = new Lexer(marked.defaults);
  Object.assign(lexer.tokens.links, links);
  return marked.parser(lexer.lex(source));
}

function mathHtml(token: Tokens.Generic): string {
  return `<code class="${token["display"] ? "math display" : "math"}">${escape(String(token["text"]))}</code>`;
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
