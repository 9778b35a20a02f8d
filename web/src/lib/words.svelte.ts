/** The words of the page in the reader's language. */

import type bench from "../i18n/bench/en.json";
import type challenges from "../i18n/challenges/en.json";
import type connect from "../i18n/connect/en.json";
import type operation from "../i18n/operation/en.json";
import type page from "../i18n/en.json";
import type traffic from "../i18n/traffic/en.json";
import { format, pieces, type Piece, type Values } from "./message.ts";

export type Key = keyof typeof page | keyof typeof challenges | keyof typeof traffic | keyof typeof connect | keyof typeof operation | keyof typeof bench;
/** What every page says, and what only some pages say: those words come with the pages. */
export type Chapter = "page" | "challenges" | "traffic" | "connect" | "operation" | "bench";
type Words = Partial<Record<Key, string>>;
type Fetch = Record<Language, () => Promise<{ default: Words }>>;
export type Language = "en" | "zh-Hans" | "zh-Hant";

/** Each language under its own name. */
export const LANGUAGES: ReadonlyArray<{ code: Language; name: string }> = [
  { code: "en", name: "English" },
  { code: "zh-Hans", name: "简体中文" },
  { code: "zh-Hant", name: "繁體中文" },
];

const catalogues: Record<Chapter, Fetch> = {
  page: {
    en: () => import("../i18n/en.json"),
    "zh-Hans": () => import("../i18n/zh-Hans.json"),
    "zh-Hant": () => import("../i18n/zh-Hant.json"),
  },
  challenges: {
    en: () => import("../i18n/challenges/en.json"),
    "zh-Hans": () => import("../i18n/challenges/zh-Hans.json"),
    "zh-Hant": () => import("../i18n/challenges/zh-Hant.json"),
  },
  traffic: {
    en: () => import("../i18n/traffic/en.json"),
    "zh-Hans": () => import("../i18n/traffic/zh-Hans.json"),
    "zh-Hant": () => import("../i18n/traffic/zh-Hant.json"),
  },
  operation: {
    en: () => import("../i18n/operation/en.json"),
    "zh-Hans": () => import("../i18n/operation/zh-Hans.json"),
    "zh-Hant": () => import("../i18n/operation/zh-Hant.json"),
  },
  bench: {
    en: () => import("../i18n/bench/en.json"),
    "zh-Hans": () => import("../i18n/bench/zh-Hans.json"),
    "zh-Hant": () => import("../i18n/bench/zh-Hant.json"),
  },
  connect: {
    en: () => import("../i18n/connect/en.json"),
    "zh-Hans": () => import("../i18n/connect/zh-Hans.json"),
    "zh-Hant": () => import("../i18n/connect/zh-Hant.json"),
  },
};

const spoken = $state<{ language: Language; words: Words | null }>({ language: "en", words: null });
const read = new Set<Chapter>(["page"]);
let wanted: Language = "en";

/** Loads what was read so far in `language` and turns the page over to it. Asked twice, the later wins. */
export async function speak(language: Language): Promise<void> {
  wanted = language;
  const chapters = await Promise.all([...read].map((chapter) => catalogues[chapter][language]()));
  if (wanted !== language) return;
  spoken.words = Object.assign({}, ...chapters.map((chapter) => chapter.default)) as Words;
  spoken.language = language;
  document.documentElement.lang = language;
}

/** Loads a chapter that only some pages need, in the language spoken now and whenever that changes. */
export async function learn(chapter: Chapter): Promise<void> {
  if (read.has(chapter)) return;
  await catalogues[chapter][wanted]();
  read.add(chapter);
  await speak(wanted);
}

export function language(): Language {
  return spoken.language;
}

export function t(key: Key, values?: Values): string {
  return format(spoken.words?.[key] ?? key, spoken.language, values);
}

/** The message for a code that the server sent, where the catalogue has one. */
export function tOr(key: string, otherwise: string, values?: Values): string {
  const message = (spoken.words as Record<string, string> | null)?.[key];
  return message === undefined ? otherwise : format(message, spoken.language, values);
}

/** Sentences one after the other: with a space between them, or without in Chinese. */
export function sentences(...all: string[]): string {
  return all.filter(Boolean).reduce((first, second) => t("sentences", { first, second }));
}

export function tPieces(key: Key, values?: Values): Piece[] {
  return pieces(spoken.words?.[key] ?? key).map((piece) => ({ ...piece, text: format(piece.text, spoken.language, values) }));
}

/** The first of the browser's languages that we have; Chinese goes by script, then by region. */
export function preferred(tags: readonly string[]): Language {
  for (const tag of tags) {
    if (/^zh\b/i.test(tag)) return /\b(hant|tw|hk|mo)\b/i.test(tag) ? "zh-Hant" : "zh-Hans";
    if (/^en\b/i.test(tag)) return "en";
  }
  return "en";
}
