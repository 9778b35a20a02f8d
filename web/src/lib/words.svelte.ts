/** The words of the page in the reader's language. */

import type english from "../i18n/en.json";
import { format, pieces, type Piece, type Values } from "./message.ts";

export type Key = keyof typeof english;
export type Language = "en" | "zh-Hans" | "zh-Hant";

/** Each language under its own name. */
export const LANGUAGES: ReadonlyArray<{ code: Language; name: string }> = [
  { code: "en", name: "English" },
  { code: "zh-Hans", name: "简体中文" },
  { code: "zh-Hant", name: "繁體中文" },
];

const catalogues: Record<Language, () => Promise<{ default: Record<Key, string> }>> = {
  en: () => import("../i18n/en.json"),
  "zh-Hans": () => import("../i18n/zh-Hans.json"),
  "zh-Hant": () => import("../i18n/zh-Hant.json"),
};

const spoken = $state<{ language: Language; words: Record<Key, string> | null }>({ language: "en", words: null });

/** Loads a catalogue and turns the page over to it. */
export async function speak(language: Language): Promise<void> {
  const { default: words } = await catalogues[language]();
  spoken.words = words;
  spoken.language = language;
  document.documentElement.lang = language;
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
