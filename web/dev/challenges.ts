/** Invented challenges for the stand-in: one under way, one for each verdict, and pairs to judge. */

import type { IncomingMessage, ServerResponse } from "node:http";

import type { Collections, Estimate, ItemOutcome, Message, Person, ReadItem, Report, ShownItem, ShownPair, ShownPlan, Step, Summary, Word } from "../src/lib/types.ts";
import { ANSWERS } from "./answers.ts";

export type Handler = (request: IncomingMessage, response: ServerResponse, match: RegExpExecArray) => void | Promise<void>;

const CHALLENGER = "foundry/cupel-pro";
const INCUMBENT = "foundry/electrum-70b";
const PROMPTS = [
  "Write a Python function that merges overlapping intervals, with tests.", "What is 17.5 % of 2,340?", "把这封邮件改写得更客气一些：周五之前必须交稿，否则合同作废。",
  "Summarise the attached minutes in five bullet points, the decisions first, and say who does what until when. Leave out everything that was only discussed.",
  "Which of our three suppliers was late most often this year?", "Translate into Traditional Chinese: The evidence is enough, so the run stops by itself.",
];
const CATEGORIES = ["code", "chat", "maths", "tools", "structured"];
const OUTCOMES: ItemOutcome[] = ["won", "won", "tied", "lost", "won", "diverged", "lost", "won", "failed", "won", "unjudged", "tied"];

function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

const estimate = (value: number, half: number, n: number): Estimate => ({ value, low: Math.max(0, value - half), high: value + half, n, reason: null });
const share = (value: number, half: number, n: number): Estimate => ({ ...estimate(value, half, n), high: Math.min(1, value + half) });
const missing = (reason: string): Estimate => ({ value: null, low: null, high: null, n: 0, reason });

/** Invented evidence: scores of a challenger that wins `rate` of the time, and bounds that narrow as such bounds do. */
function steps(rate: number, count: number, seed: number): Step[] {
  const random = seeded(seed);
  let sum = 0;
  let [low, high] = [0, 1];
  return Array.from({ length: count }, (_, at) => {
    const n = at + 1;
    sum += random() < 0.2 ? 0.5 : random() < rate ? 1 : 0;
    const half = Math.min(1, 1.05 / Math.sqrt(n + 2) + 1.2 / (n + 3));
    low = Math.max(low, sum / n - half);
    high = Math.min(high, sum / n + half);
    return { n, win_rate: sum / n, low: Math.max(0, low), high: Math.min(1, high), switch: (sum / n - 0.5) * n * 0.11, stay: (0.55 - sum / n) * n * 0.06 };
  });
}

interface Kind {
  id: string;
  rate: number;
  n: number;
  word: Word;
  state: Report["state"];
  judges: string[];
  more?: number | null;
  goal?: "better" | "no_worse";
}

const KINDS: Kind[] = [
  { id: "running", rate: 0.57, n: 42, word: "cannot_tell", state: "running", judges: ["human"], more: 37 },
  { id: "switch", rate: 0.68, n: 118, word: "switch", state: "ended", judges: ["foundry/argent-large", "foundry/gallium-large"] },
  { id: "stay", rate: 0.34, n: 71, word: "do_not_switch", state: "ended", judges: ["program"], goal: "no_worse" },
  { id: "stopped", rate: 0.5, n: 12, word: "cannot_tell", state: "stopped", judges: ["human"], more: null },
  { id: "spent", rate: 0.55, n: 64, word: "budget_spent", state: "ended", judges: ["foundry/argent-large"], more: 210 },
  { id: "begun", rate: 0.5, n: 0, word: "cannot_tell", state: "running", judges: ["program"], more: null },
];

export function report({ id, rate, n, word, state, judges, more = null, goal = "better" }: Kind): Report {
  const evidence = steps(rate, n, id.length * 7 + 3);
  const last = evidence.at(-1);
  const settled = word === "switch" || word === "do_not_switch";
  const winRate = last ? { value: last.win_rate, low: last.low, high: last.high, n, reason: null } : missing("no_data");
  if (word === "switch" && last) last.low = Math.max(last.low, 0.503);
  if (word === "do_not_switch" && last) last.high = Math.min(last.high, 0.497);
  const [won, tied] = [Math.round(n * rate * 0.85), Math.round(n * 0.18)];
  const model = judges[0] !== "human" && judges[0] !== "program";
  return {
    id, state, at: "2026-11-22T08:02:11Z", ended_at: state === "running" ? null : "2026-11-22T08:41:40Z",
    spec: { challenger: CHALLENGER, incumbent: INCUMBENT, source: { kind: "traffic" }, judges, goal, margin: 0.05, confidence: 0.95, limit: 300, budget: model ? { nano: 5_000_000_000, currency: "USD" } : null },
    sides: { challenger: "Cupel Pro", incumbent: "Electrum 70B" },
    decision: n === 0 ? null : { word, more_items: more }, win_rate: last ? { ...winRate, low: last.low, high: last.high } : winRate,
    superior: word === "switch", no_worse: word === "switch" || (last?.low ?? 0) > 0.45,
    tally: { planned: 300, asked: n + (state === "running" ? 20 : 4), judged: n, won, tied, lost: Math.max(0, n - won - tied), diverged: n > 40 ? 6 : 0, failed: n > 40 ? 2 : 0, unjudged: model ? 1 : 0 },
    evidence,
    categories: n === 0 ? [] : [["code", 0.24, 0.09], ["chat", 0.3, 0.04], ["maths", 0.16, -0.06], ["tools", 0.12, 0.02], ["minutes of meetings, weekly", 0.02, 0]].map(([category, part, lean]) => {
      const items = Math.max(1, Math.round(n * Number(part)));
      return { category: String(category), items, win_rate: items < 3 ? { value: rate, low: null, high: null, n: items, reason: "too_few" } : share(Math.min(0.95, rate + Number(lean)), 0.9 / Math.sqrt(items), items) };
    }),
    metrics: n === 0 ? [] : metrics(n),
    judges: n === 0 ? [] : judges.map((judge, at) => ({
      judge: judge === "human" ? ["Mei", "Ada"][at] ?? "you" : judge, kind: judge === "human" ? "human" : judge === "program" ? "program" : "model", decides: true, judgments: model ? 2 * n : n, unparsed: model ? 3 : 0, failed: 0,
      win_rate: winRate.value === null ? winRate : share(winRate.value, 0.09, n), order_effect: judge === "program" ? missing("no_taste") : estimate(at === 0 && model ? 0.112 : 0.01, 0.06, n), order_flips: model ? share(0.23, 0.08, n) : missing("one_order"),
      length_effect: judge === "program" ? missing("no_data") : estimate(at === 0 && model ? 0.81 : 0.12, 0.4, n), win_rate_at_equal_length: judge === "program" ? missing("no_data") : share(rate - 0.04, 0.1, n),
      found: at === 0 && model ? ["order", "length"] : [], warnings: at === 1 ? ["judges_its_maker"] : [], cost: model ? { nano: 830_000_000, currency: "USD" } : null,
    })),
    agreements: judges.length > 1 ? [{ first: judges[0] ?? "", second: judges[1] ?? "", pairs: n, rate: share(0.81, 0.07, n), kappa: estimate(0.62, 0.13, n) }, { first: judges[0] ?? "", second: "Mei", pairs: 31, rate: share(0.77, 0.15, 31), kappa: estimate(0.55, 0.26, 31) }] : [],
    diverged: { challenger: n > 40 ? 4 : 0, incumbent: n > 40 ? 2 : 0 }, histories_by_incumbent: n === 0 ? missing("no_data") : share(0.41, 0.08, n),
    clearest_wins: settled ? [1, 5, 8] : [], clearest_losses: settled ? [4, 7] : [],
    spent: model ? { nano: 2_310_000_000, currency: "USD" } : null,
    assumptions: [
      { code: "goal", text: "Switch is said once it is shown that the true win rate is above 50 %, do not switch once it is shown that it is below 55 %. Each is wrong with a chance of at most 5 %, at whatever moment one looks or stops.", values: { goal, margin: 0.05, confidence: 0.95, low: 0.5, high: 0.55 } },
      { code: "histories", text: "In 41 % of the items asked, the incumbent wrote at least part of the history that both continue. Going on from its own words may favour it.", values: { share: 0.41 } },
      { code: "diverged", text: "6 items (4.8 %) ended where a contestant called a tool in a way that the recording holds no result for.", values: { items: 6, share: 0.048 } },
    ],
    repeat: { command: `assay challenge ${CHALLENGER} --against ${INCUMBENT} --on traffic --since 2026-11-15 --judge ${judges.join(",")} --margin 0.05 --seed 1830467213`, seed: 1830467213, version: "0.1.0", items_hash: "9f1c".repeat(16), rubric_hash: model ? "77aa".repeat(16) : null, chain_head: "03bd".repeat(16) },
    waiting_for_people: state === "running" ? 8 : 0, trouble: null,
  };
}

function metrics(n: number): Report["metrics"] {
  const both = (name: string, unit: string, one: number, other: number, half: number, gap: number, better: "lower" | "higher" | null) => ({
    name, unit, challenger: unit === "share" ? share(one, half, n) : estimate(one, half, n), incumbent: unit === "share" ? share(other, half, n) : estimate(other, half, n), difference: { ...estimate(one - other, gap, n), low: one - other - gap }, better,
  });
  return [
    both("cost_per_1000", "USD", 1.84, 4.1, 0.22, 0.3, "lower"), both("ttft_p50", "ms", 412, 388, 40, 52, "lower"), both("ttft_p95", "ms", 1240, 980, 220, 240, "lower"), both("total_p50", "ms", 8210, 11_900, 900, 1300, "lower"),
    both("failure_rate", "share", 0.016, 0.004, 0.012, 0.018, "lower"), both("refusal_rate", "share", 0.05, 0.008, 0.02, 0.021, "lower"), both("length", "characters", 1820, 1310, 140, 190, null),
    { name: "schema_valid_rate", unit: "share", challenger: missing("no_json_asked"), incumbent: missing("no_json_asked"), difference: missing("no_json_asked"), better: "higher" as const },
  ];
}

export const REPORTS = new Map(KINDS.map((kind) => [kind.id, report(kind)]));

function summary(one: Report): Summary {
  return {
    id: one.id, state: one.state, at: one.at, ended_at: one.ended_at, challenger: one.spec.challenger, incumbent: one.spec.incumbent, goal: one.spec.goal ?? "better", judges: one.spec.judges,
    decision: one.decision, win_rate: one.win_rate, judged: one.tally.judged, planned: one.tally.planned, spent: one.spent,
  };
}

const ITEMS: ShownItem[] = Array.from({ length: 46 }, (_, at) => ({
  number: at + 1, category: CATEGORIES[at % CATEGORIES.length] ?? "other", origin: at % 3 ? `call 0199${at}f` : `work.jsonl:${at + 1}`,
  outcome: OUTCOMES[at % OUTCOMES.length] ?? "won", score: [1, 1, 0.5, 0, 0.75, null, 0, 1, null, 1, null, 0.5][at % 12] ?? null, prompt: PROMPTS[at % PROMPTS.length] ?? "",
}));

const says = (role: Message["role"], text: string): Message => ({ role, parts: [{ type: "text", text }] });

function item(number: number): ReadItem {
  const shown = ITEMS[number - 1] ?? (ITEMS[0] as ShownItem);
  const tools = shown.outcome === "diverged";
  const call: Message = { role: "assistant", parts: [{ type: "tool_call", id: "c1", name: "search_orders", arguments: '{"supplier": "all", "late": true, "year": 2026}' }] };
  const other: Message = { role: "assistant", parts: [{ type: "thinking", text: "One query per supplier is safer." }, { type: "tool_call", id: "c1", name: "search_orders", arguments: '{"supplier": "Retort", "year": 2026}' }] };
  const result: Message = { role: "tool", parts: [{ type: "tool_result", id: "c1", parts: [{ type: "text", text: '{"Retort": 4, "Crucible": 11, "Mint": 2}' }] }] };
  return {
    number, category: shown.category, origin: shown.origin, outcome: shown.outcome, score: shown.score,
    prefix: [says("system", "You are the assistant of the purchasing department. Be brief."), says("user", "Hello"), says("assistant", "Hello. What can I look up for you?"), says("user", shown.prompt)],
    recorded: tools ? [{ said: call, results: [result] }] : [],
    sides: {
      challenger: { name: "Cupel Pro", ending: tools ? "diverged" : "answered", turns: tools ? [other] : [says("assistant", ANSWERS[0] ?? "")], cost: { nano: 1_870_000, currency: "USD" }, ttft_ms: 412, total_ms: 8210, error: null, detail: tools ? 'Recorded: search_orders {"late": true, "supplier": "all", "year": 2026}. Made: search_orders {"supplier": "Retort", "year": 2026}.' : null },
      incumbent: shown.outcome === "failed" ? { name: "Electrum 70B", ending: "failed", turns: [], cost: null, ttft_ms: null, total_ms: null, error: "upstream.timeout", detail: "Nothing came for 60 seconds." } : { name: "Electrum 70B", ending: "answered", turns: tools ? [call, result, says("assistant", "Crucible, with 11 late deliveries.")] : [says("assistant", ANSWERS[1] ?? "")], cost: { nano: 4_100_000, currency: "USD" }, ttft_ms: 388, total_ms: 11_900, error: null, detail: null },
    },
    judgments: tools ? [] : [
      { judge: "foundry/argent-large", kind: "model", first: "challenger", won: "challenger", outcome: "ok", reason: "The first answer has tests and states the cost; the second has no tests." },
      { judge: "foundry/argent-large", kind: "model", first: "incumbent", won: "tie", outcome: "ok", reason: "Both are right; the second is longer without saying more." },
      { judge: "foundry/gallium-large", kind: "model", first: "challenger", won: null, outcome: "unparsed", reason: "I cannot decide on one of them." },
      { judge: "Mei", kind: "human", first: "incumbent", won: "challenger", outcome: "ok", reason: "" },
    ],
  };
}

const people: Person[] = [{ person: "local", name: "you", votes: 18, invited: false, removed: false }, { person: "p2", name: "Mei", votes: 24, invited: false, removed: false }];
let voted = 18;

function pair(number: number): ShownPair {
  const [a, b] = number % 2 ? [ANSWERS[1], ANSWERS[0]] : [ANSWERS[0], ANSWERS[1]];
  const short = number % 3 === 2;
  return { number, transcript: number % 2 ? [says("user", PROMPTS[number % PROMPTS.length] ?? "")] : item(number).prefix, a: [says("assistant", short ? "409.5" : a ?? "")], b: [says("assistant", short ? "17.5 % of 2,340 is 409.50, since 2,340 × 0.175 = 409.5." : b ?? "")], voted, waiting: Math.max(0, 24 - voted) };
}

const PLAN: ShownPlan = {
  challenger: CHALLENGER, incumbent: INCUMBENT, items: 48, clusters: 44, categories: { sums: 16, dates: 12, facts: 12, chat: 8 }, notes: ["2 items ask the same as another and are asked once."],
  bad: [{ line: 17, reason: "neither a prompt nor messages" }], estimate: { nano: 1_420_000_000, currency: "USD" },
};
const WORK: Collections = { work: [{ name: "minutes", items: 120, format: "transcripts", origin: "minutes.jsonl", at: "2026-11-20T08:00:00Z", categories: { chat: 120 } }] };

interface Tools {
  json: (response: ServerResponse, body: unknown, status?: number) => void;
  problem: (response: ServerResponse, status: number, code: string, detail: string, hint: string | null) => void;
  stateOf: (request: IncomingMessage) => string;
  bodyOf: (request: IncomingMessage) => Promise<unknown>;
  pause: (ms: number) => Promise<void>;
}

export function challengeRoutes({ json, problem, stateOf, bodyOf, pause }: Tools): Array<[string, RegExp, Handler]> {
  const found = (response: ServerResponse, match: RegExpExecArray, then: (one: Report) => void | Promise<void>) => {
    const one = REPORTS.get(match[1] ?? "");
    return one ? then(one) : problem(response, 404, "challenge.not_found", `There is no challenge '${match[1]}'.`, "Look at the list of challenges.");
  };
  return [
    ["GET", /^\/work$/, (request, response) => json(response, stateOf(request) === "empty" ? { work: [] } : WORK)],
    ["GET", /^\/challenges$/, (request, response) => json(response, { challenges: stateOf(request) === "empty" ? [] : [...REPORTS.values()].map(summary) })],
    ["POST", /^\/challenges\/plan$/, async (_request, response) => { await pause(500); json(response, PLAN); }],
    ["POST", /^\/challenges$/, async (request, response) => {
      const { budget } = (await bodyOf(request)) as { budget?: object };
      if (budget) return problem(response, 422, "challenge.no_price", "No price is known of 'practice/reckoner', so a budget cannot be kept.", "Leave the budget out, or set a price.");
      json(response, { id: "running" }, 201);
    }],
    ["GET", /^\/challenges\/([\w-]+)$/, (_request, response, match) => found(response, match, (one) => json(response, one))],
    ["GET", /^\/challenges\/([\w-]+)\/events$/, (_request, response, match) => found(response, match, async (one) => {
      response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
      const kind = KINDS.find(({ id }) => id === one.id) as Kind;
      const send = (event: string, next: Report) => response.write(`event: ${event}\ndata: ${JSON.stringify({ report: next })}\n\n`);
      send("progress", one);
      for (let n = kind.n + 1; n < kind.n + 400 && !response.destroyed; n++) {
        await pause(1500);
        send("progress", report({ ...kind, n, rate: 0.6, more: Math.max(3, 37 - (n - kind.n)) }));
      }
      response.end();
    })],
    ["POST", /^\/challenges\/([\w-]+)\/(stop|resume)$/, (_request, response, match) => found(response, match, (one) => {
      REPORTS.set(one.id, { ...one, state: match[2] === "stop" ? "stopped" : "running" });
      json(response, summary(one));
    })],
    ["GET", /^\/challenges\/([\w-]+)\/items(?:\?(.*))?$/, (_request, response, match) => {
      const query = new URLSearchParams(match[2] ?? "");
      const [limit, after] = [Number(query.get("limit") ?? 50), Number(query.get("after") ?? 0)];
      const all = ITEMS.filter(({ number, outcome, category }) => number > after && (!query.get("outcome") || outcome === query.get("outcome")) && (!query.get("category") || category === query.get("category")));
      const items = all.slice(0, limit);
      json(response, { items, next: all.length > limit ? (items.at(-1)?.number ?? null) : null });
    }],
    ["GET", /^\/challenges\/([\w-]+)\/items\/(\d+)$/, (_request, response, match) => json(response, item(Number(match[2])))],
    ["GET", /^\/challenges\/([\w-]+)\/people$/, (_request, response) => json(response, { people })],
    ["POST", /^\/challenges\/([\w-]+)\/people$/, async (request, response, match) => {
      const { name } = (await bodyOf(request)) as { name: string };
      people.push({ person: name, name, votes: 0, invited: true, removed: false });
      json(response, { person: name, name, url: `http://127.0.0.1:8470/challenges/${match[1]}/vote?as=Zx0aQk3mWq8LrT5vB2nY7cUeHs1fJd9G`, this_machine_only: true });
    }],
    ["GET", /^\/challenges\/([\w-]+)\/pairs$/, (request, response) => json(response, { name: "Mei", open: true, decides: true, voted, waiting: stateOf(request) === "judged" ? 0 : Math.max(0, 24 - voted) })],
    ["GET", /^\/challenges\/([\w-]+)\/pairs\/next$/, async (request, response) => {
      await pause(150);
      if (stateOf(request) === "judged" || voted >= 24) return void response.writeHead(204).end();
      json(response, pair(voted));
    }],
    ["POST", /^\/challenges\/([\w-]+)\/pairs\/(\d+)\/(vote|skip)$/, async (_request, response) => {
      await pause(150);
      voted++;
      json(response, { voted, waiting: Math.max(0, 24 - voted) });
    }],
  ];
}
