/** Colours for code. The highlighter and each language are fetched when the first block in that language comes. */

import type { HLJSApi, LanguageFn } from "highlight.js";

import { coloured } from "./sanitise.ts";

type Loader = () => Promise<{ default: LanguageFn }>;

const LOADERS: Record<string, Loader> = {
  bash: () => import("highlight.js/lib/languages/bash"),
  c: () => import("highlight.js/lib/languages/c"),
  cpp: () => import("highlight.js/lib/languages/cpp"),
  csharp: () => import("highlight.js/lib/languages/csharp"),
  css: () => import("highlight.js/lib/languages/css"),
  diff: () => import("highlight.js/lib/languages/diff"),
  dockerfile: () => import("highlight.js/lib/languages/dockerfile"),
  go: () => import("highlight.js/lib/languages/go"),
  haskell: () => import("highlight.js/lib/languages/haskell"),
  ini: () => import("highlight.js/lib/languages/ini"),
  java: () => import("highlight.js/lib/languages/java"),
  javascript: () => import("highlight.js/lib/languages/javascript"),
  json: () => import("highlight.js/lib/languages/json"),
  julia: () => import("highlight.js/lib/languages/julia"),
  kotlin: () => import("highlight.js/lib/languages/kotlin"),
  latex: () => import("highlight.js/lib/languages/latex"),
  lua: () => import("highlight.js/lib/languages/lua"),
  makefile: () => import("highlight.js/lib/languages/makefile"),
  markdown: () => import("highlight.js/lib/languages/markdown"),
  php: () => import("highlight.js/lib/languages/php"),
  python: () => import("highlight.js/lib/languages/python"),
  r: () => import("highlight.js/lib/languages/r"),
  ruby: () => import("highlight.js/lib/languages/ruby"),
  rust: () => import("highlight.js/lib/languages/rust"),
  scala: () => import("highlight.js/lib/languages/scala"),
  sql: () => import("highlight.js/lib/languages/sql"),
  swift: () => import("highlight.js/lib/languages/swift"),
  typescript: () => import("highlight.js/lib/languages/typescript"),
  xml: () => import("highlight.js/lib/languages/xml"),
  yaml: () => import("highlight.js/lib/languages/yaml"),
};

const OTHER_NAMES: Record<string, string> = {
  "c#": "csharp", "c++": "cpp", cc: "cpp", cs: "csharp", docker: "dockerfile", golang: "go", h: "c", hpp: "cpp", hs: "haskell", html: "xml",
  jl: "julia", js: "javascript", jsx: "javascript", kt: "kotlin", make: "makefile", md: "markdown", mjs: "javascript", patch: "diff",
  py: "python", python3: "python", rb: "ruby", rs: "rust", sh: "bash", shell: "bash", svg: "xml", svelte: "xml", tex: "latex", toml: "ini",
  ts: "typescript", tsx: "typescript", vue: "xml", yml: "yaml", zsh: "bash",
};

/** Beyond this many characters code stays plain: colouring it would hold up the page. */
const LONGEST = 60_000;

let highlighter: HLJSApi | null = null;
const asked = new Map<string, Promise<void>>();

/** Colours the code in `root` as far as languages are at hand; asks for the others and calls `arrived` when they come. */
export function colour(root: ParentNode, arrived: () => void, longest = LONGEST): void {
  for (const code of root.querySelectorAll<HTMLElement>("pre > code[class*='language-']")) {
    const language = languageOf(code);
    if (!language || code.dataset["coloured"]) continue;
    if (!highlighter?.getLanguage(language)) {
      void fetchLanguage(language).then(arrived);
      continue;
    }
    const text = code.textContent ?? "";
    if (text.length > longest) continue;
    code.replaceChildren(coloured(highlighter.highlight(text, { language, ignoreIllegals: true }).value));
    code.dataset["coloured"] = "yes";
  }
}

function languageOf(code: Element): string | null {
  const named = /language-(\S+)/.exec(code.className)?.[1] ?? "";
  const language = OTHER_NAMES[named] ?? named;
  return Object.hasOwn(LOADERS, language) ? language : null;
}

function fetchLanguage(name: string): Promise<void> {
  const known = asked.get(name);
  if (known) return known;
  const coming = Promise.all([import("highlight.js/lib/core"), LOADERS[name]?.()]).then(([core, language]) => {
    highlighter = core.default;
    if (language) highlighter.registerLanguage(name, language.default);
  });
  asked.set(name, coming);
  return coming;
}
