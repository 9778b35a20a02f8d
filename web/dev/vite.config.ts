/**
 * The page while it is worked on; not shipped. With `ASSAY_URL` it talks to that server, else to a stand-in with invented data.
 * `vite preview` serves the built page under the policy that the real server sends.
 */

import { svelte } from "@sveltejs/vite-plugin-svelte";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

import { catalogues } from "../catalogues.ts";
import { standIn } from "./stand-in.ts";

export const POLICY = [
  "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data: blob:", "font-src 'self'", "connect-src 'self'",
  "manifest-src 'self'", "base-uri 'none'", "form-action 'self'", "frame-ancestors 'none'", "require-trusted-types-for 'script'",
  "trusted-types svelte-trusted-html dompurify",
].join("; ");

const server = process.env["ASSAY_URL"];

export default defineConfig({
  root: fileURLToPath(new URL("..", import.meta.url)),
  plugins: [catalogues(), svelte(), ...(server ? [] : [standIn()])],
  server: { port: 5173, strictPort: true, ...(server ? { proxy: { "/api": server, "/login": server, "/v1": server } } : {}) },
  build: { outDir: "../src/assay/_web" },
  preview: { headers: { "content-security-policy": POLICY } },
});
