/**
 * A stand-in for `/api/v1` with invented data: every state of every page without a server. Not shipped.
 *
 * The cookie `mock` holds the state: `empty`, `loading`, `error`, `signed-out`, `first-run`, `void`, `long`, `fast`, `guest`, `judged`.
 */

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Connect, Plugin } from "vite";

import type { BoardRow, Reason, ShownBattle, ShownBoard, ShownKey, ShownModel, ShownProvider, BattleSide, Standing } from "../src/lib/types.ts";
import { ANSWERS, LONG } from "./answers.ts";
import { CALLS, traceOf } from "./calls.ts";
import { challengeRoutes, type Handler } from "./challenges.ts";

const METALS = [
  "Argent", "Aurum", "Billon", "Bismuth", "Cadmia", "Cerium", "Chrome", "Cobalt", "Cupel", "Cuprum", "Electrum", "Ferrum", "Gallium", "Galena",
  "Indium", "Iridium", "Kamacite", "Lithium", "Niccolum", "Niobium", "Orichalc", "Osmium", "Pewter", "Plumbum", "Rhodium", "Selen", "Stannum", "Tombac", "Wolfram", "Zinc",
];
const HOUSES = ["Foundry", "Crucible Lab", "Touchstone", "Mint Works", "Retort"];

/** A small generator with a seed, so that pictures can be compared. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

function boardRows(): BoardRow[] {
  const random = seeded(7);
  const rows = METALS.flatMap((metal, at) => [`${metal} ${["70B", "Large", "Pro", "XL"][at % 4]}`, ...(at % 2 ? [`${metal} ${["7B", "Mini", "Lite"][at % 3]}`] : [])]).map((title, at) => {
    const votes = Math.round(40 + 560 * random());
    const half = 420 / Math.sqrt(votes);
    const value = 1165 - at * 7.4 + 14 * (random() - 0.5);
    return { title, votes, half, value, at };
  });
  rows.sort((one, other) => other.value - one.value);
  const first = rows[0];
  if (first) first.value += 58;
  return rows.map(({ title, votes, half, value, at }, index) => {
    const better = rows.filter((row) => row.value - value > 1.42 * Math.hypot(row.half, half) * 0.72).length;
    const worse = rows.filter((row) => value - row.value > 1.42 * Math.hypot(row.half, half) * 0.72).length;
    return {
      model: title.toLowerCase().replaceAll(" ", "-"), title, provider: at % 3 ? "foundry" : null, organization: HOUSES[at % HOUSES.length] ?? null,
      licence: at % 4 ? "proprietary" : "Apache-2.0", rating: value, low: value - half, high: value + half * 1.05,
      rank: index + 1, rank_low: better + 1, rank_high: rows.length - worse, votes, reason: null, preliminary: votes < 70,
      price: at % 3 === 2 ? null : { input: 150_000_000 * (1 + (at % 9)), output: 600_000_000 * (1 + (at % 9)), currency: "USD", date: "2026-11-02", source: "https://example.com/prices" },
      ttft_ms_p50: at % 4 === 1 ? 320 + 17 * at : null, tokens_per_s_p50: at % 4 === 1 ? 38 + 2 * at : null, speed_calls: at % 4 === 1 ? 12 * at : 0, speed_days: 30, scores: [],
    };
  });
}

function board(state: string, ties: string, cluster: string): ShownBoard {
  const datasets = [{ name: "llmfao", title: "llmfao", votes: 8931, licence: "CC BY 4.0", author: "Dmitry Ustalov", link: "https://github.com/dustalov/llmfao", imported: state !== "empty" }];
  if (state === "empty") return { source: null, sources: [], rows: [], method: null, excluded: [], datasets, benchmarks: [], measured: [] };
  const rows = boardRows();
  const reasons: Array<[string, Reason]> = [["Antimony 1B", "undefeated"], ["Dross 3B", "winless"], ["Slag", "separate_component"]];
  const unrated = reasons.map(([title, reason], at) => ({
    ...(rows[0] as BoardRow), model: title.toLowerCase(), title, organization: null, rating: null, low: null, high: null, rank: null, rank_low: null, rank_high: null, votes: 3 + at, reason, preliminary: true, price: null, ttft_ms_p50: null, tokens_per_s_p50: null,
  }));
  return {
    source: "llmfao",
    sources: [
      { name: "arena", title: "Arena", votes: 214, first: "2026-11-01T10:00:00Z", last: "2026-11-22T09:30:00Z", licence: null, link: null },
      { name: "llmfao", title: "llmfao", votes: 8931, first: "2023-10-01T10:00:00Z", last: "2023-10-04T09:30:00Z", licence: "CC BY 4.0", link: "https://github.com/dustalov/llmfao" },
    ],
    rows: [...rows, ...unrated],
    method: {
      name: ties === "davidson" ? "davidson" : "bradley_terry", ties: ties === "davidson" ? "davidson" : "half", cluster: cluster === "voter" ? "voter" : "none", scale: "elo", mean: 1000, interval: "sandwich_95", both_bad: "tie", ranks: "pairwise",
      votes: 8931, votes_used: 8928, voters: 124, models: rows.length + unrated.length, rated: rows.length, nu: ties === "davidson" ? 1.273 : null, nu_error: ties === "davidson" ? 0.021 : null, iterations: 5, components: 4, computed_at: "2026-11-22T09:30:00Z", text_key: "half_none",
    },
    excluded: [{ reason: "identity_leak", votes: 3 }],
    datasets, benchmarks: [], measured: [],
  };
}

const MODELS: ShownModel[] = [
  ...["librarian", "reckoner", "listener", "stylist"].map((name): ShownModel => ({
    id: `practice/${name}`, model: name, title: `Practice: ${name}`, provider: "practice", provider_title: "Practice contestants", kind: "practice", organization: "Assay", context: 20000, max_output: null,
    licence: "Apache-2.0", modalities: ["text"], price: null, about: { en: "A plain program, not a language model.", "zh-Hans": "一个普通程序，不是语言模型。", "zh-Hant": "一個普通程式，不是語言模型。" }, ready: true, reason: null,
  })),
  ...METALS.slice(0, 16).map((metal, at): ShownModel => ({
    id: `foundry/${metal.toLowerCase()}-large`, model: `${metal.toLowerCase()}-large`, title: `${metal} Large`, provider: "foundry", provider_title: at % 2 ? "Foundry" : "Crucible", kind: "cloud", organization: HOUSES[at % 5] ?? null, context: 128_000 * (1 + (at % 3)),
    max_output: 16_000, licence: at % 3 ? null : "MIT", modalities: at % 2 ? ["text", "image"] : ["text"], price: at % 5 === 4 ? null : { input: 150_000_000 * (1 + at), output: 600_000_000 * (1 + at), currency: at % 2 ? "CNY" : "USD", date: "2026-11-02", source: "https://example.com" },
    about: {}, ready: at % 2 === 0, reason: at % 2 === 0 ? null : "key_missing",
  })),
];

const PROVIDERS: ShownProvider[] = [
  provider("foundry", "Foundry", "cloud", { source: "environment", hint: "…ab12", env: ["FOUNDRY_API_KEY"] }),
  provider("crucible", "Crucible", "cloud", { source: "vault", hint: "…9f3c", env: ["CRUCIBLE_API_KEY"] }),
  provider("touchstone", "Touchstone", "cloud", { source: "missing", hint: null, env: ["TOUCHSTONE_API_KEY"] }),
  provider("retort", "Retort AI", "cloud", { source: "missing", hint: null, env: ["RETORT_API_KEY"] }),
  { ...provider("ollama", "Ollama", "local", { source: "none_needed", hint: null, env: [] }), base_url: "http://127.0.0.1:11434/v1", found: true, enabled: false },
  { ...provider("vllm", "vLLM", "local", { source: "none_needed", hint: null, env: [] }), base_url: "http://127.0.0.1:8000/v1", found: false, enabled: false, models: 0 },
  { ...provider("practice", "Practice contestants", "practice", { source: "none_needed", hint: null, env: [] }), base_url: "http+unix://practice.sock/v1", models: 4 },
];

function provider(name: string, title: string, kind: ShownProvider["kind"], key: ShownProvider["key"]): ShownProvider {
  return { name, title, kind, base_url: `https://api.${name}.example/v1`, protocol: "openai_chat", protocols: ["openai_chat"], counts_tokens: false, stores_responses: false, endpoints: null, parameters: [], live: [], priced: 0, prices_date: null, keys: [], state: "unknown", limits: { requests_per_minute: null, tokens_per_minute: null, concurrent: null }, docs: "https://example.com/keys", enabled: true, found: null, key, models: 12, origin: "shipped", facts_date: "2026-11-02" };
}

const PLAIN = { expires: null, old_until: null, user: null, user_name: null, team: null, team_name: null, scopes: { models: [], protocols: [], addresses: [] }, limits: { requests_per_minute: null, tokens_per_minute: null, concurrent: null } };
const keys: ShownKey[] = [
  { ...PLAIN, id: "k1", name: "laptop", hint: "ask-3f9a-…Qx7", created: "2026-11-01T09:00:00Z", last_used: "2026-11-22T08:12:00Z", revoked: null },
  { ...PLAIN, id: "k2", name: "continuous integration", hint: "ask-77c1-…mN2", created: "2026-11-12T09:00:00Z", last_used: null, revoked: null },
  { ...PLAIN, id: "k3", name: "old phone", hint: "ask-09ab-…L0k", created: "2026-09-01T09:00:00Z", last_used: "2026-10-01T08:12:00Z", revoked: "2026-10-02T08:00:00Z" },
];

const battles = new Map<string, ShownBattle>();

function side(which: "a" | "b"): BattleSide {
  return which === "a"
    ? { model: "cupel-pro", title: "Cupel Pro", provider: "Foundry", deployment: "foundry/cupel-pro", organization: null, ttft_ms: 412, total_ms: 8210, input_tokens: 31, output_tokens: 1604, cost: { nano: 1_870_000, currency: "USD" }, calls: ["c1"] }
    : { model: "electrum-70b", title: "Electrum 70B", provider: "Retort", deployment: "retort/electrum-70b", organization: null, ttft_ms: 655, total_ms: 9120, input_tokens: 33, output_tokens: 1580, cost: null, calls: ["c2"] };
}

const effect = (before: number | null, after: number, from: number | null, to: number): Standing => ({ before, after, rank_before: from, rank_after: to });

async function battle(request: IncomingMessage, response: ServerResponse, id: string, first: boolean): Promise<void> {
  const { prompt } = (await bodyOf(request)) as { prompt: string };
  const state = stateOf(request);
  const record: ShownBattle = first ? { id, state: "open", turns: [], choice: null, at: new Date().toISOString(), voted_at: null, sides: null, effect: null, token: "t", expired: false } : (battles.get(id) as ShownBattle);
  const turn = { prompt, a: "", b: "" };
  battles.set(id, { ...record, turns: [...record.turns, turn] });
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
  const send = (event: string, data: object) => response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  send("battle", { id, turn: record.turns.length + 1, token: "t" });
  await pause(700);
  if (state === "void") {
    send("void", { problem: { status: 502, code: "battle.side_failed", detail: "One side could not answer.", hint: "Ask again: another pair may be drawn." } });
    return void response.end();
  }
  send("begun", {});
  const [a, b] = state === "long" ? [LONG, LONG] : [ANSWERS[0] ?? "", ANSWERS[1] ?? ""];
  const step = state === "fast" ? 400 : 40;
  for (let at = 0; at < Math.max(a.length, b.length) && !response.destroyed; at += step) {
    turn.a = a.slice(0, at + step);
    turn.b = b.slice(0, at + step);
    send("tick", { a: a.slice(at, at + step), b: b.slice(at, at + step), a_done: at + step >= a.length, b_done: at + step >= b.length });
    await pause(50);
  }
  send("end", { token: "t2", turn: record.turns.length + 1 });
  response.end();
}

const ROUTES: ReadonlyArray<[string, RegExp, Handler]> = [
  ["GET", /^\/board(?:\?(.*))?$/, (request, response, match) => {
    const query = new URLSearchParams(match[1] ?? "");
    json(response, board(stateOf(request), query.get("ties") ?? "half", query.get("cluster") ?? "none"));
  }],
  ["GET", /^\/models$/, (request, response) => json(response, { models: stateOf(request) === "empty" ? [] : MODELS })],
  ["GET", /^\/providers$/, (_request, response) => json(response, { providers: PROVIDERS })],
  ["PUT", /^\/providers\/([^/]+)\/key$/, (_request, response, match) => {
    const row = PROVIDERS.find(({ name }) => name === match[1]);
    if (row) row.key = { ...row.key, source: "vault", hint: "…new1" };
    json(response, row ?? {});
  }],
  ["DELETE", /^\/providers\/([^/]+)\/key$/, (_request, response, match) => {
    const row = PROVIDERS.find(({ name }) => name === match[1]);
    if (row) row.key = { ...row.key, source: "missing", hint: null };
    json(response, row ?? {});
  }],
  ["POST", /^\/providers\/([^/]+)\/enabled$/, (_request, response, match) => {
    const row = PROVIDERS.find(({ name }) => name === match[1]);
    if (row) row.enabled = !row.enabled;
    json(response, row ?? {});
  }],
  ["POST", /^\/providers\/([^/]+)\/test$/, async (_request, response, match) => {
    await pause(600);
    json(response, match[1] === "crucible"
      ? { ok: false, latency_ms: 210, models: [], error: { status: 401, code: "upstream.unauthorized", detail: "Crucible answered 401: the key ending in 9f3c is not valid.", hint: "Replace the key." } }
      : { ok: true, latency_ms: 184, models: METALS.slice(0, 18).map((metal) => `${metal.toLowerCase()}-large`), error: null });
  }],
  ["POST", /^\/providers$/, (_request, response) => problem(response, 409, "provider.name_taken", "A provider is called 'foundry' already.", "Choose another short name.")],
  ["GET", /^\/keys$/, (request, response) => json(response, { keys: stateOf(request) === "empty" ? [] : keys })],
  ["POST", /^\/keys$/, async (request, response) => {
    const { name } = (await bodyOf(request)) as { name: string };
    const row: ShownKey = { ...PLAIN, id: `k${keys.length + 1}`, name, hint: "ask-5d2e-…Zz9", created: new Date().toISOString(), last_used: null, revoked: null };
    keys.unshift(row);
    json(response, { ...row, key: "ask-5d2e-w3hQm0b2nJpV8kYtRfLs6XcZaE1dGuKiOq4vNz9" });
  }],
  ["DELETE", /^\/keys\/(\w+)$/, (_request, response, match) => {
    const row = keys.find(({ id }) => id === match[1]);
    if (row) row.revoked = new Date().toISOString();
    json(response, row ?? {});
  }],
  ["GET", /^\/calls(?:\?.*)?$/, (request, response) => json(response, { calls: stateOf(request) === "empty" ? [] : CALLS, next: null })],
  ["GET", /^\/calls\/sums(?:\?.*)?$/, (_request, response) => json(response, { since: "2026-11-22T10:00:00Z", until: "2026-11-22T10:01:00Z", step_s: 1, whole: true, calls: 2, failed: 1, unpriced: 0, estimated: 0, input_tokens: 1204, output_tokens: 962, costs: [{ nano: 9_876_500, currency: "USD" }], bars: [{ at: "2026-11-22T10:00:00Z", calls: 2, failed: 1 }] })],
  ["GET", /^\/calls\/([^/]+)$/, (_request, response, match) => {
    const trace = traceOf(match[1] ?? "");
    if (trace) json(response, trace);
    else problem(response, 404, "call.not_found", `There is no call '${match[1]}'.`, null);
  }],
  ["GET", /^\/battles(?:\?.*)?$/, (request, response) => json(response, { battles: stateOf(request) === "empty" ? [] : [...battles.values()].reverse(), next: null })],
  ["POST", /^\/battles$/, (request, response) => battle(request, response, `b${battles.size + 1}`, true)],
  ["POST", /^\/battles\/(\w+)\/turns$/, (request, response, match) => battle(request, response, match[1] ?? "", false)],
  ["POST", /^\/battles\/(\w+)\/vote$/, async (request, response, match) => {
    const { choice } = (await bodyOf(request)) as { choice: ShownBattle["choice"] };
    const record = battles.get(match[1] ?? "") as ShownBattle;
    const voted: ShownBattle = { ...record, state: "voted", choice, sides: { a: side("a"), b: side("b") }, effect: { a: effect(1043.2, 1051.7, 6, 4), b: effect(null, 987.4, null, 12) }, token: null };
    battles.set(voted.id, voted);
    json(response, { battle: voted });
  }],
  ["GET", /^\/battles\/(\w+)$/, (_request, response, match) => {
    const record = battles.get(match[1] ?? "");
    if (record) json(response, record);
    else problem(response, 404, "battle.not_found", `There is no battle '${match[1]}'.`, "Look at the list of your battles.");
  }],
  ["POST", /^\/datasets\/llmfao\/import$/, async (_request, response) => {
    await pause(900);
    json(response, { imported: 8929, bad: [{ line: 17, reason: "the winner 'leftt' is none of left, right, tie" }, { line: 403, reason: "no model on the right" }], source: "llmfao" });
  }],
  ["POST", /^\/session$/, (_request, response) => problem(response, 401, "login.link_spent", "This login link was used already, is too old, or was never given.", "Run `assay login` for a new one.")],
  ["DELETE", /^\/session$/, (_request, response) => json(response, { signed_in: false })],
  ...challengeRoutes({ json, problem, stateOf, bodyOf, pause }),
];

function answer(request: IncomingMessage, response: ServerResponse, next: Connect.NextFunction): void {
  const url = request.url ?? "";
  if (!url.startsWith("/api/v1")) return next();
  const path = url.slice("/api/v1".length);
  const state = stateOf(request);
  if (path === "/session" && request.method === "GET") {
    return json(response, { signed_in: state !== "signed-out" && state !== "guest", guest: state === "guest" ? { challenge: "running", name: "Mei" } : null, user: null, accounts: false, oidc: false, version: "0.1.0", demo: true, bodies: "full", bodies_days: 30, practice: true, first_run: state === "first-run" || state === "empty", password_login: state === "signed-out" });
  }
  if (state === "loading") return;
  if (state === "error") return problem(response, 503, "store.unavailable", "The database at 'postgresql://db/assay' does not answer.", "Start it; nothing that was acknowledged is lost.");
  for (const [method, pattern, handler] of ROUTES) {
    const match = request.method === method ? pattern.exec(path) : null;
    if (match) return void handler(request, response, match);
  }
  problem(response, 404, "api.no_such_path", `${request.method} ${path}: Not Found.`, null);
}

function json(response: ServerResponse, body: unknown, status = 200): void {
  response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store" });
  response.end(JSON.stringify(body));
}

function problem(response: ServerResponse, status: number, code: string, detail: string, hint: string | null): void {
  json(response, { type: `/docs/errors#${code}`, title: "", status, detail, code, hint }, status);
}

function stateOf(request: IncomingMessage): string {
  return /(?:^|;\s*)mock=([\w-]+)/.exec(request.headers.cookie ?? "")?.[1] ?? "";
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  let text = "";
  for await (const chunk of request) text += String(chunk);
  return JSON.parse(text || "{}");
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

export function standIn(): Plugin {
  return {
    name: "assay-stand-in",
    configureServer: (server) => void server.middlewares.use(answer),
    configurePreviewServer: (server) => void server.middlewares.use(answer),
  };
}
