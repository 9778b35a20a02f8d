import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

import { catalogues } from "./catalogues.ts";

// Everything is a file of our own origin: the page's policy allows no inline script, no inline style and no data: font.
export default defineConfig({
  plugins: [catalogues(), svelte()],
  build: {
    outDir: "../src/assay/_web",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: "es2022",
    chunkSizeWarningLimit: 700,
  },
});
