/** One battle on this page: its turns, what may be done with it now, and what the server says of it. */

import { asProblem, battleEvents, get, post, Problem } from "../../lib/api.ts";
import type { Choice, Revealed, ShownBattle } from "../../lib/types.ts";
import { readingTime } from "./reading.ts";
import { Script } from "./script.ts";

/**
 * idle: nothing asked yet. waiting: asked, nothing shown. streaming: both columns grow. ended: both are whole. stopped: the
 * reader stopped them; what was shown stands. revealed: voted. void: a side failed. failed: the question itself was refused.
 */
export type Phase = "idle" | "waiting" | "streaming" | "ended" | "stopped" | "revealed" | "void" | "failed";

export interface LiveTurn {
  prompt: string;
  a: Script;
  b: Script;
}

export class Battle {
  phase = $state<Phase>("idle");
  turns = $state.raw<LiveTurn[]>([]);
  problem = $state.raw<Problem | null>(null);
  voteProblem = $state.raw<Problem | null>(null);
  record = $state.raw<ShownBattle | null>(null);
  awake = $state(false);
  voting = $state<Choice | null>(null);
  id = $state<string | null>(null);
  #token = "";
  #begunAt = 0;
  #stream: AbortController | null = null;
  #waking: ReturnType<typeof setTimeout> | undefined;

  /** Whether a vote may be cast: something of both was shown, and the reader could have read it. */
  readonly votable = $derived(this.awake && this.voting === null && ["streaming", "ended", "stopped"].includes(this.phase));
  readonly answering = $derived(this.phase === "waiting" || this.phase === "streaming");
  readonly canContinue = $derived((this.phase === "ended" || this.phase === "stopped") && this.voting === null);

  /** Asks both sides; the first question draws the battle. */
  async ask(prompt: string): Promise<void> {
    const first = this.id === null;
    const address = first ? "/battles" : `/battles/${this.id}/turns`;
    const turn: LiveTurn = { prompt, a: new Script(), b: new Script() };
    const before = this.phase;
    this.turns = [...this.turns, turn];
    this.phase = "waiting";
    this.problem = null;
    this.#sleep();
    const stream = new AbortController();
    this.#stream = stream;
    try {
      await this.#follow(address, first ? { prompt } : { prompt, token: this.#token }, turn, stream.signal);
    } catch (error) {
      if (!stream.signal.aborted) this.#broke(asProblem(error), turn, before);
    } finally {
      turn.a.end();
      turn.b.end();
    }
  }

  async #follow(address: string, body: object, turn: LiveTurn, signal: AbortSignal): Promise<void> {
    for await (const event of battleEvents(address, body, signal)) {
      switch (event.event) {
        case "battle":
          this.id = event.id;
          this.#token = event.token;
          break;
        case "begun":
          this.phase = "streaming";
          this.#begunAt = performance.now();
          break;
        case "tick":
          turn.a.push(event.a);
          turn.b.push(event.b);
          this.#wake(turn);
          break;
        case "end":
          this.#token = event.token;
          this.phase = "ended";
          return;
        case "void":
          this.problem = new Problem(event.problem);
          this.phase = "void";
          return;
      }
    }
    if (this.answering && !signal.aborted) throw new Problem({ status: 0, code: "page.cut_off", detail: "" });
  }

  #broke(problem: Problem, turn: LiveTurn, before: Phase): void {
    this.problem = problem;
    if (this.phase === "streaming") {
      this.phase = "stopped";
    } else {
      this.turns = this.turns.filter((one) => one !== turn);
      this.phase = this.turns.length > 0 ? before : "failed";
    }
  }

  /** Stops both columns at the same moment. */
  stop(): void {
    if (!this.answering) return;
    this.#stream?.abort();
    if (this.phase === "streaming") this.phase = "stopped";
    else {
      this.turns = this.turns.slice(0, -1);
      this.phase = this.turns.length > 0 ? "ended" : "idle";
      if (this.turns.length === 0) this.id = null;
    }
  }

  async vote(choice: Choice): Promise<void> {
    if (!this.votable || this.id === null) return;
    this.voting = choice;
    this.voteProblem = null;
    try {
      const { battle } = await post<Revealed>(`/battles/${this.id}/vote`, { choice, token: this.#token });
      this.record = battle;
      this.phase = "revealed";
      this.#stream?.abort();
    } catch (error) {
      this.voteProblem = asProblem(error);
      if (this.voteProblem.code === "vote.already_cast") await this.#recover();
    } finally {
      this.voting = null;
    }
  }

  /** Takes up a battle that was begun before: after a reload, or from its own page. */
  restore(record: ShownBattle, token: string | null): void {
    this.id = record.id;
    this.record = record;
    this.turns = record.turns.map(({ prompt, a, b }) => ({ prompt, a: new Script(a), b: new Script(b) }));
    this.#token = token ?? "";
    this.phase = record.state === "voted" ? "revealed" : record.state === "void" ? "void" : "ended";
    this.awake = token !== null;
  }

  /** Leaves the battle; its upstreams are let go. */
  leave(): void {
    this.#stream?.abort();
    clearTimeout(this.#waking);
  }

  async #recover(): Promise<void> {
    try {
      this.record = await get<ShownBattle>(`/battles/${this.id}`);
      if (this.record.state === "voted") this.phase = "revealed";
    } catch (error) {
      this.voteProblem = asProblem(error);
    }
  }

  #sleep(): void {
    clearTimeout(this.#waking);
    this.#waking = undefined;
    this.awake = false;
  }

  #wake(turn: LiveTurn): void {
    if (this.awake || this.#waking !== undefined || turn.a.text === "" || turn.b.text === "") return;
    const readFor = performance.now() - this.#begunAt;
    const check = () => {
      this.#waking = undefined;
      const left = readingTime(turn.a.text, turn.b.text) - (performance.now() - this.#begunAt);
      if (left <= 0) this.awake = true;
      else this.#waking = setTimeout(check, left);
    };
    this.#waking = setTimeout(check, Math.max(0, readingTime(turn.a.text, turn.b.text) - readFor));
  }
}
