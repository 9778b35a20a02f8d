import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";

import { differences, LANGUAGES, placeholders, readCatalogue } from "../catalogues.ts";
import { format, pieces } from "../src/lib/message.ts";
import { preferred } from "../src/lib/words.svelte.ts";

const catalogues = Object.fromEntries(LANGUAGES.map((language) => [language, readCatalogue(language)]));

describe("the catalogues", () => {
  test("say the same things in every language", () => {
    expect(differences(catalogues)).toEqual([]);
  });

  test("a missing key, an empty sentence, a surplus key and a lost value are each found", () => {
    expect(differences({ en: { a: "x {n}", b: "y" }, zh: { a: "x", b: " ", c: "z" } })).toEqual([
      "zh lacks b", "zh has c, which English lacks", "zh and English name different values in a",
    ]);
  });

  test("hold no key that no page uses, and lack none", () => {
    const source = files("src").map((path) => readFileSync(path, "utf8")).join("\n");
    const families = [...source.matchAll(/`([a-zA-Z.]+\.)\$\{/g)].map((match) => match[1] ?? "");
    const unused = Object.keys(catalogues["en"] ?? {}).filter((key) => !source.includes(`"${key}"`) && !families.some((family) => key.startsWith(family)));
    expect(unused).toEqual([]);
  });

  test.each(LANGUAGES)("%s writes every message with values", (language) => {
    for (const [key, message] of Object.entries(catalogues[language] ?? {})) {
      for (const n of [0, 1, 2, 5, 1000]) {
        const values = Object.fromEntries(placeholders(message).map((name) => [name, n]));
        expect(format(message, language, values), key).not.toMatch(/[{}#]/);
      }
    }
  });

  test.each(LANGUAGES)("%s shouts nowhere", (language) => {
    for (const [key, message] of Object.entries(catalogues[language] ?? {})) expect(message, key).not.toMatch(/[!！]/);
  });

  test("Chinese uses Chinese punctuation between Chinese words", () => {
    for (const language of ["zh-Hans", "zh-Hant"]) {
      for (const [key, message] of Object.entries(catalogues[language] ?? {})) expect(message, key).not.toMatch(/\p{Script=Han}[,;:?.](?!\d)/u);
    }
  });
});

describe("a message", () => {
  test("counts as its language counts", () => {
    const message = "{n, plural, =0 {no votes} one {# vote} other {# votes}}.";
    expect([0, 1, 2, 1234].map((n) => format(message, "en", { n }))).toEqual(["no votes.", "1 vote.", "2 votes.", "1,234 votes."]);
  });

  test("writes a value as it is, even one that looks like a message", () => {
    expect(format("{a} and {b}", "en", { a: "{b}", b: "`x`" })).toBe("{b} and `x`");
  });

  test("falls into pieces of words, code, strong words and links", () => {
    expect(pieces("Run `assay up`, **then** [read](/method).")).toEqual([
      { kind: "text", text: "Run " }, { kind: "code", text: "assay up" }, { kind: "text", text: ", " }, { kind: "strong", text: "then" }, { kind: "text", text: " " },
      { kind: "link", text: "read", href: "/method" }, { kind: "text", text: "." },
    ]);
  });
});

test.each([
  [["zh-TW", "en"], "zh-Hant"], [["zh-CN"], "zh-Hans"], [["zh"], "zh-Hans"], [["zh-Hant-HK"], "zh-Hant"], [["fr", "en-GB"], "en"], [["fr", "zh-HK"], "zh-Hant"], [[], "en"],
] as const)("a browser that asks for %s reads %s", (tags, language) => {
  expect(preferred(tags)).toBe(language);
});

function files(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /\.(svelte|ts)$/.test(entry.name))
    .map((entry) => `${entry.parentPath}/${entry.name}`);
}
