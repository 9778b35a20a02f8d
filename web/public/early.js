// Runs before the first paint, so that neither theme nor language flashes. Keys and values as in src/lib/preferences.svelte.ts.
(function () {
  var root = document.documentElement;
  try {
    var theme = localStorage.getItem("assay.theme");
    if (theme === "light" || theme === "dark") root.dataset.theme = theme;
    var language = localStorage.getItem("assay.language");
    if (language === "zh-Hans" || language === "zh-Hant") root.lang = language;
  } catch {
    // Storage is off: the system's theme and the browser's language will do.
  }
})();
