/** Fails the build when the catalogues differ: a key that one language lacks, or a value that one sentence drops. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Plugin } from "vite";

export const LANGUAGES = ["en", "zh-Hans", "zh-Hant"] as const;
export type Catalogue = Record<string, string>;

/** What every page says, and the chapters that come with their pages. */
const CHAPTERS = ["", "challenges", "traffic", "connect", "operation", "bench"];

export function readCatalogue(language: string): Catalogue {
  const chapters = CHAPTERS.map((chapter) => JSON.parse(readFileSync(join(import.meta.dirname, "src/i18n", chapter, `${language}.json`), "utf8")) as Catalogue);
  const keys = chapters.flatMap(Object.keys);
  const twice = keys.find((key, at) => keys.indexOf(key) < at);
  if (twice) throw new Error(`two chapters of ${language} have ${twice}`);
  return Object.assign({}, ...chapters) as Catalogue;
}

/** The names in braces of one message, sorted, each once. */
export function placeholders(message: string): string[] {
  const names = [...message.matchAll(/\{(\w+)(?=[,}])/g)].map((match) => match[1] ?? "");
  return [...new Set(names)].sort();
}

/** One sentence for each difference from English. */
export function differences(catalogues: Record<string, Catalogue>): string[] {
  const english = catalogues["en"] ?? {};
  return Object.entries(catalogues).flatMap(([language, words]) => [
    ...Object.keys(english).filter((key) => !words[key]?.trim()).map((key) => `${language} lacks ${key}`),
    ...Object.keys(words).filter((key) => !(key in english)).map((key) => `${language} has ${key}, which English lacks`),
    ...Object.entries(words)
      .filter(([key, text]) => key in english && String(placeholders(text)) !== String(placeholders(english[key] ?? "")))
      .map(([key]) => `${language} and English name different values in ${key}`),
  ]);
}

export function catalogues(): Plugin {
  return {
    name: "assay-catalogues",
    buildStart() {
      const all = Object.fromEntries(LANGUAGES.map((language) => [language, readCatalogue(language)]));
      const found = differences(all);
      if (found.length > 0) this.error(`The catalogues in src/i18n differ:\n${found.join("\n")}`);
    },
  };
}
