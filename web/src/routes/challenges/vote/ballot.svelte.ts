/** Pairs to judge, one after the other: what is shown, what may be done with it, and how far one has come. */

import { asProblem, get, post, type Problem } from "../../../lib/api.ts";
import type { Choice } from "../../../lib/types.ts";
import type { ShownPair, Voted, Voting } from "../../../lib/types.ts";
import { readingTime } from "../../arena/reading.ts";
import { allWords } from "../messages.ts";

/** How long after an empty answer it asks again. */
const ASK_AGAIN_MS = 4_000;
/** How often the server hears that somebody still reads, and how often at most: a pair that nobody reads goes to the next. */
const STILL_HERE_MS = 20_000;
const STILL_HERE_TIMES = 30;

/** fetching: the first pair is asked for. reading: one is shown. done: none waits now; more may come while `voting.open`. */
export type Phase = "fetching" | "reading" | "done";

export class Ballot {
  readonly id: string;
  phase = $state<Phase>("fetching");
  pair = $state.raw<ShownPair | null>(null);
  voting = $state.raw<Voting | null>(null);
  problem = $state.raw<Problem | null>(null);
  awake = $state(false);
  /** The vote under way; the pair stays where it is until the next one is here. */
  casting = $state<Choice | "skip" | null>(null);
  #timer: ReturnType<typeof setTimeout> | undefined;
  #stillHere: ReturnType<typeof setInterval> | undefined;
  #left = false;

  constructor(id: string) {
    this.id = id;
  }

  readonly votable = $derived(this.phase === "reading" && this.awake && this.casting === null);
  readonly skippable = $derived(this.phase === "reading" && this.casting === null);

  /** Asks how voting stands, and for the next pair. */
  async next(): Promise<void> {
    clearTimeout(this.#timer);
    try {
      const pair = await get<ShownPair | undefined>(`/challenges/${this.id}/pairs/next`);
      if (this.#left) return;
      this.problem = null;
      if (pair) this.#show(pair);
      else await this.#rest();
    } catch (error) {
      if (!this.#left) this.problem = asProblem(error);
    }
  }

  async open(): Promise<void> {
    await Promise.all([this.#stand(), this.next()]);
  }

  async vote(choice: Choice): Promise<void> {
    if (this.votable) await this.#cast(choice, "vote", { choice });
  }

  async skip(): Promise<void> {
    if (this.skippable) await this.#cast("skip", "skip");
  }

  leave(): void {
    this.#left = true;
    clearTimeout(this.#timer);
    clearInterval(this.#stillHere);
  }

  async #cast(what: Choice | "skip", path: string, body?: unknown): Promise<void> {
    this.casting = what;
    this.problem = null;
    try {
      this.#count(await post<Voted>(`/challenges/${this.id}/pairs/${this.pair?.number}/${path}`, body));
    } catch (error) {
      const problem = asProblem(error);
      // Judged already, here in another tab or by somebody else: the next one, then. Anything else can be tried again.
      if (problem.status !== 409) {
        this.problem = problem;
        this.casting = null;
        return;
      }
    }
    await this.next();
    this.casting = null;
  }

  #show(pair: ShownPair): void {
    clearTimeout(this.#timer);
    clearInterval(this.#stillHere);
    let times = 0;
    this.#stillHere = setInterval(() => {
      if (!document.hidden) void this.#stand();
      if (++times === STILL_HERE_TIMES) clearInterval(this.#stillHere);
    }, STILL_HERE_MS);
    this.pair = pair;
    this.phase = "reading";
    this.#count(pair);
    this.awake = false;
    this.#timer = setTimeout(() => (this.awake = true), readingTime(allWords(pair.a), allWords(pair.b)));
  }

  async #rest(): Promise<void> {
    await this.#stand();
    if (this.#left) return;
    this.phase = "done";
    this.pair = null;
    clearInterval(this.#stillHere);
    if (this.voting?.open ?? true) this.#timer = setTimeout(() => void this.next(), ASK_AGAIN_MS);
  }

  async #stand(): Promise<void> {
    try {
      this.voting = await get<Voting>(`/challenges/${this.id}/pairs`);
    } catch (error) {
      this.problem = asProblem(error);
    }
  }

  #count({ voted, waiting }: Voted): void {
    if (this.voting) this.voting = { ...this.voting, voted, waiting };
  }
}
