/** The page against a stand-in server, for work on the page alone. Not shipped. `vite preview` adds the real page's policy. */

import { svelte } from "@sveltejs/vite-plugin-svelte";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

import { catalogues } from "../catalogues.ts";
import { standIn } from "./stand-in.ts";

export const POLICY = [
  "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data: blob:", "font-src 'self'", "connect-src 'self'",
  "manifest-src 'self'", "base-uri 'none'", "form-action 'self'", "frame-ancestors 'none'", "require-trusted-types-for 'script'",
  "trusted-types assay svelte-trusted-html dompurify",
].join("; ");

export default defineConfig({
  root: fileURLToPath(new URL("..", import.meta.url)),
  plugins: [catalogues(), svelte(), standIn()],
  build: { outDir: "../src/assay/_web" },
  preview: { headers: { "content-security-policy": POLICY } },
});
