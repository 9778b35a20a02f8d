/** Theme and language, kept on this machine. `public/early.js` reads the same keys before the first paint. */

import { preferred, speak, type Language } from "./words.svelte.ts";

export type Theme = "system" | "light" | "dark";

const chosen = $state<{ theme: Theme }>({ theme: readTheme() });

export function theme(): Theme {
  return chosen.theme;
}

export function setTheme(theme: Theme): void {
  chosen.theme = theme;
  if (theme === "system") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = theme;
  keep("assay.theme", theme);
}

export async function setLanguage(language: Language): Promise<void> {
  keep("assay.language", language);
  await speak(language);
}

/** The language asked for last time, else the browser's. */
export function startLanguage(): Language {
  const kept = recall("assay.language");
  return kept === "en" || kept === "zh-Hans" || kept === "zh-Hant" ? kept : preferred(navigator.languages);
}

/** A value kept on this machine; null where storage is off or empty. */
export function recall(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

export function keep(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // Storage is off: the choice lasts as long as the page.
  }
}

function readTheme(): Theme {
  const kept = recall("assay.theme");
  return kept === "light" || kept === "dark" ? kept : "system";
}
