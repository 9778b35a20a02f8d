import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import type { Report } from "../src/lib/types.ts";
import { report } from "../dev/challenges.ts";
import { Live } from "../src/routes/challenges/live.svelte.ts";
import { Ballot } from "../src/routes/challenges/vote/ballot.svelte.ts";

/** The far side: answers by method and path, in the order they were given. */
class Server {
  asked: string[] = [];
  #answers = new Map<string, Array<() => Response>>();

  readonly fetch = (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const what = `${init?.method ?? "GET"} ${String(input).replace("/api/v1/challenges/x", "")}`;
    this.asked.push(what);
    const answers = this.#answers.get(what);
    const answer = answers && answers.length > 1 ? answers.shift() : answers?.[0];
    if (!answer) throw new TypeError(`nothing answers ${what}`);
    return Promise.resolve(answer());
  };

  give(what: string, ...bodies: Array<object | null | number>): void {
    this.#answers.set(what, bodies.map((body) => () => answerOf(body)));
  }

  stream(what: string, ...texts: string[]): void {
    this.#answers.set(what, texts.map((text) => () => new Response(text, { headers: { "content-type": "text/event-stream" } })));
  }
}

function answerOf(body: object | null | number): Response {
  if (body === null) return new Response(null, { status: 204 });
  if (typeof body === "number") return new Response(JSON.stringify({ status: body, code: "some.problem", detail: "It is so." }), { status: body });
  return new Response(JSON.stringify(body), { status: 200 });
}

let server: Server;
beforeEach(() => {
  vi.useFakeTimers();
  server = new Server();
  vi.stubGlobal("fetch", server.fetch);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const says = (text: string) => ({ role: "assistant" as const, parts: [{ type: "text" as const, text }] });
const pair = (number: number) => ({ number, transcript: [says("Why?")], a: [says("Because.")], b: [says("Since.")], voted: number - 1, waiting: 3 });
const standing = { name: "Mei", open: true, decides: true, voted: 0, waiting: 3 };

describe("pairs to judge", () => {
  async function open(...pairs: Array<object | null | number>): Promise<Ballot> {
    server.give("GET /pairs", standing);
    server.give("GET /pairs/next", ...pairs);
    server.give("POST /pairs/1/vote", { voted: 1, waiting: 2 });
    const ballot = new Ballot("x");
    await ballot.open();
    return ballot;
  }

  test("can be voted on once there was time to read", async () => {
    const ballot = await open(pair(1));
    expect([ballot.phase, ballot.votable, ballot.skippable]).toEqual(["reading", false, true]);
    await ballot.vote("a");
    expect(server.asked).not.toContain("POST /pairs/1/vote");
    vi.advanceTimersByTime(3_000);
    expect(ballot.votable).toBe(true);
  });

  test("the next comes by itself after a vote, and the one before stays until it is here", async () => {
    const ballot = await open(pair(1), pair(2));
    vi.advanceTimersByTime(3_000);
    const voting = ballot.vote("b");
    expect([ballot.pair?.number, ballot.casting, ballot.votable]).toEqual([1, "b", false]);
    await voting;
    expect([ballot.pair?.number, ballot.casting, ballot.votable, ballot.voting?.voted]).toEqual([2, null, false, 1]);
  });

  test("a vote that could not be kept can be sent again", async () => {
    const ballot = await open(pair(1), pair(2));
    server.give("POST /pairs/1/vote", 503, { voted: 1, waiting: 2 });
    vi.advanceTimersByTime(3_000);
    await ballot.vote("a");
    expect([ballot.pair?.number, ballot.problem?.status, ballot.votable]).toEqual([1, 503, true]);
    await ballot.vote("a");
    expect([ballot.pair?.number, ballot.problem]).toEqual([2, null]);
  });

  test("a pair that was judged meanwhile gives way to the next", async () => {
    const ballot = await open(pair(1), pair(2));
    server.give("POST /pairs/1/skip", 409);
    await ballot.skip();
    expect([ballot.pair?.number, ballot.problem]).toEqual([2, null]);
  });

  test("when none waits it rests, and asks again while more may come", async () => {
    const ballot = await open(null, pair(2));
    expect([ballot.phase, ballot.pair]).toEqual(["done", null]);
    await vi.advanceTimersByTimeAsync(5_000);
    expect([ballot.phase, ballot.pair?.number]).toEqual(["reading", 2]);
  });

  test("when no more can come it asks no more", async () => {
    server.give("GET /pairs", { ...standing, open: false });
    server.give("GET /pairs/next", null);
    const ballot = new Ballot("x");
    await ballot.open();
    const asked = server.asked.length;
    await vi.advanceTimersByTimeAsync(60_000);
    expect([ballot.phase, server.asked.length]).toEqual(["done", asked]);
  });
});

describe("a challenge that is watched", () => {
  const at = (n: number, state: Report["state"]) => report({ id: "x", rate: 0.6, n, word: "cannot_tell", state, judges: ["program"] });
  const event = (name: string, one: Report) => `event: ${name}\ndata: ${JSON.stringify({ report: one })}\n\n`;

  test("is followed to its end", async () => {
    server.give("GET ", at(3, "running"));
    server.stream("GET /events", `: still here\n\n${event("progress", at(4, "running"))}${event("end", at(9, "ended"))}`);
    const live = new Live("x");
    await live.open();
    expect([live.report?.state, live.report?.tally.judged, live.behind]).toEqual(["ended", 9, false]);
  });

  test("is asked for again when the connection breaks, and says that it may be behind", async () => {
    server.give("GET ", at(3, "running"));
    server.stream("GET /events", event("progress", at(4, "running")), event("end", at(9, "ended")));
    const live = new Live("x");
    const open = live.open();
    await vi.advanceTimersByTimeAsync(100);
    expect([live.behind, live.report?.tally.judged]).toEqual([true, 4]);
    await vi.advanceTimersByTimeAsync(1_000);
    await open;
    expect([live.behind, live.report?.state]).toEqual([false, "ended"]);
  });

  test("that has ended is not followed", async () => {
    server.give("GET ", at(9, "ended"));
    const live = new Live("x");
    await live.open();
    expect(server.asked).toEqual(["GET "]);
  });

  test("what stopping runs into is said beside what is shown", async () => {
    server.give("GET ", at(9, "stopped"));
    server.give("POST /resume", 409);
    const live = new Live("x");
    await live.open();
    await live.resume();
    expect([live.refused?.status, live.busy, live.report?.state]).toEqual([409, false, "stopped"]);
  });

  test("leaving it ends the stream", async () => {
    server.give("GET ", at(3, "running"));
    server.stream("GET /events", event("progress", at(4, "running")));
    const live = new Live("x");
    const open = live.open();
    await vi.advanceTimersByTimeAsync(100);
    live.close();
    await open;
    const asked = server.asked.length;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(server.asked.length).toBe(asked);
  });
});
