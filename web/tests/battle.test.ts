import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import type { ShownBattle } from "../src/lib/types.ts";
import { Battle } from "../src/routes/arena/battle.svelte.ts";

/** The far side of one request: what the page sent, and the answer as the test lets it come. */
class Wire {
  sent: Array<{ path: string; body: Record<string, unknown>; signal: AbortSignal | undefined }> = [];
  #stream: ReadableStreamDefaultController<Uint8Array> | null = null;
  #next: Response | null = null;

  readonly fetch = (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    this.sent.push({ path: String(input), body: JSON.parse(String(init?.body ?? "{}")), signal: init?.signal ?? undefined });
    if (this.#next) {
      const answer = this.#next;
      this.#next = null;
      return Promise.resolve(answer);
    }
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#stream = controller;
        init?.signal?.addEventListener("abort", () => controller.error(new DOMException("aborted", "AbortError")));
      },
    });
    return Promise.resolve(new Response(body, { headers: { "content-type": "text/event-stream" } }));
  };

  answerNext(status: number, body: object): void {
    this.#next = new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json" } });
  }

  async say(event: string, data: object = {}): Promise<void> {
    await settle();
    this.#stream?.enqueue(new TextEncoder().encode(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`));
    await settle();
  }

  async close(): Promise<void> {
    this.#stream?.close();
    await settle();
  }
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

let wire: Wire;
let battle: Battle;

beforeEach(() => {
  vi.useFakeTimers();
  wire = new Wire();
  vi.stubGlobal("fetch", wire.fetch);
  battle = new Battle();
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const tick = (a: string, b: string) => ({ a, b, a_done: false, b_done: false });
const voted: ShownBattle = { id: "x", state: "voted", turns: [], choice: "a", at: "2026-11-22T09:00:00Z", voted_at: "2026-11-22T09:01:00Z", sides: null, effect: null, token: null, expired: false };

async function begin(): Promise<void> {
  void battle.ask("Why?");
  await wire.say("battle", { id: "x", turn: 1, token: "first" });
  await wire.say("begun");
  await wire.say("tick", tick("Because.", "Since."));
}

describe("a battle", () => {
  test("sleeps until both have begun and the reader could have read", async () => {
    void battle.ask("Why?");
    await wire.say("battle", { id: "x", turn: 1, token: "first" });
    expect([battle.phase, battle.votable]).toEqual(["waiting", false]);
    await wire.say("begun");
    await wire.say("tick", tick("Because.", ""));
    vi.advanceTimersByTime(10_000);
    expect(battle.votable).toBe(false);
    await wire.say("tick", tick("", "Since."));
    vi.advanceTimersByTime(10_000);
    expect([battle.phase, battle.votable]).toEqual(["streaming", true]);
  });

  test("is voted on before the end with the token that came first, and the stream is let go", async () => {
    await begin();
    vi.advanceTimersByTime(5_000);
    wire.answerNext(200, { battle: voted });
    await battle.vote("a");
    expect(wire.sent[1]).toMatchObject({ path: "/api/v1/battles/x/vote", body: { choice: "a", token: "first" } });
    expect([battle.phase, battle.record]).toEqual(["revealed", voted]);
    expect(wire.sent[0]?.signal?.aborted).toBe(true);
  });

  test("a vote while asleep is not sent", async () => {
    await begin();
    await battle.vote("a");
    expect(wire.sent).toHaveLength(1);
  });

  test("goes on to a next turn with the newest token, asleep again", async () => {
    await begin();
    await wire.say("end", { token: "second", turn: 1 });
    vi.advanceTimersByTime(5_000);
    expect([battle.phase, battle.canContinue, battle.votable]).toEqual(["ended", true, true]);
    void battle.ask("And then?");
    await wire.say("battle", { id: "x", turn: 2, token: "third" });
    expect(wire.sent[1]).toMatchObject({ path: "/api/v1/battles/x/turns", body: { prompt: "And then?", token: "second" } });
    expect([battle.turns.length, battle.votable]).toEqual([2, false]);
  });

  test("stops both columns at once, and what was shown can be voted on", async () => {
    await begin();
    battle.stop();
    await settle();
    expect([battle.phase, battle.problem, wire.sent[0]?.signal?.aborted]).toEqual(["stopped", null, true]);
    vi.advanceTimersByTime(5_000);
    expect(battle.votable).toBe(true);
  });

  test("stopped before anything came, it never was", async () => {
    void battle.ask("Why?");
    await wire.say("battle", { id: "x", turn: 1, token: "first" });
    battle.stop();
    await settle();
    expect([battle.phase, battle.turns, battle.id]).toEqual(["idle", [], null]);
  });

  test("is void when a side fails: no vote, no names", async () => {
    await begin();
    await wire.say("void", { problem: { status: 502, code: "battle.side_failed", detail: "One side failed.", hint: "Start another." } });
    vi.advanceTimersByTime(5_000);
    expect([battle.phase, battle.votable, battle.record]).toEqual(["void", false, null]);
    expect(battle.problem?.hint).toBe("Start another.");
  });

  test("a connection that ends early keeps what was shown", async () => {
    await begin();
    await wire.close();
    expect([battle.phase, battle.problem?.code, battle.turns[0]?.a.text]).toEqual(["stopped", "page.cut_off", "Because."]);
  });

  test("a question that is refused leaves no turn behind", async () => {
    wire.answerNext(429, { status: 429, code: "arena.too_fast", detail: "Too fast.", hint: "Wait 3 s." });
    await battle.ask("Why?");
    expect([battle.phase, battle.turns.length, battle.problem?.hint]).toEqual(["failed", 0, "Wait 3 s."]);
  });

  test("a vote that the storage could not keep can be sent again", async () => {
    await begin();
    vi.advanceTimersByTime(5_000);
    wire.answerNext(503, { status: 503, code: "store.unavailable", detail: "The disk is full." });
    await battle.vote("b");
    expect([battle.phase, battle.voteProblem?.code, battle.votable]).toEqual(["streaming", "store.unavailable", true]);
    wire.answerNext(200, { battle: { ...voted, choice: "b" } });
    await battle.vote("b");
    expect([battle.phase, battle.voteProblem]).toEqual(["revealed", null]);
  });

  test("a vote that was counted although its answer was lost shows the reveal", async () => {
    await begin();
    vi.advanceTimersByTime(5_000);
    const answers = [
      new Response(JSON.stringify({ status: 409, code: "vote.already_cast", detail: "It has its vote." }), { status: 409 }),
      new Response(JSON.stringify(voted), { status: 200 }),
    ];
    vi.stubGlobal("fetch", () => Promise.resolve(answers.shift()));
    await battle.vote("a");
    expect([battle.phase, battle.record?.choice]).toEqual(["revealed", "a"]);
  });

  test("is taken up again where it was left", () => {
    battle.restore({ ...voted, state: "open", choice: null, turns: [{ prompt: "Why?", a: "Because.", b: "Since." }] }, "kept");
    expect([battle.phase, battle.votable, battle.turns[0]?.b.text]).toEqual(["ended", true, "Since."]);
  });

  test("of somebody else, or too old, cannot be voted on", () => {
    battle.restore({ ...voted, state: "open", choice: null }, null);
    expect(battle.votable).toBe(false);
  });
});
