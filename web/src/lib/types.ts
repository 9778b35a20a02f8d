/** The bodies and answers of `/api/v1`. Written by `make reference` from the server's own types; edit those instead. */

/** What went wrong (`detail`), and the way out (`hint`). `type` points into the reference of errors. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: string;
  hint?: string | null;
  param?: string | null;
}

/** What the page must know before anything else. `first_run`: no provider has a key yet. */
export interface SessionState {
  signed_in: boolean;
  version: string;
  demo: boolean;
  bodies: Bodies;
  bodies_days: number;
  practice: boolean;
  first_run: boolean;
  password_login: boolean;
}

export type Bodies = "full" | "hashed" | "off";

/** A login link's token, or the admin's password. */
export interface SignIn {
  token: string;
}

/** Whether somebody is signed in now. */
export interface SignedIn {
  signed_in: boolean;
}

/** Where to sign in, once. */
export interface LoginLink {
  url: string;
}

/** That the server lives, and which version of it. */
export interface Health {
  status: "ok";
  version: string;
}

/** Every model at every provider. */
export interface ModelList {
  models: Array<ShownModel>;
}

/** A model at a provider. `ready` says whether it can be called, `reason` why not. Unknown facts are null. */
export interface ShownModel {
  id: string;
  model: string;
  title: string;
  provider: string;
  provider_title: string;
  kind: ProviderKind;
  organization: string | null;
  context: number | null;
  max_output: number | null;
  licence: string | null;
  modalities: Array<string>;
  price: PriceTag | null;
  about: Record<string, string>;
  ready: boolean;
  reason: "disabled" | "key_missing" | null;
}

export type ProviderKind = "cloud" | "local" | "practice";

/** What a million tokens in and out cost, in nano-units of `currency`, as stated at `source` on `date`. */
export interface PriceTag {
  input: number;
  output: number;
  currency: string;
  date: string | null;
  source: string | null;
}

/** Every provider that is known. */
export interface ProviderList {
  providers: Array<ShownProvider>;
}

/** A provider. `found` says of a local one whether it answers; `models` is how many are known. */
export interface ShownProvider {
  name: string;
  title: string;
  kind: ProviderKind;
  base_url: string;
  protocol: string;
  docs: string | null;
  enabled: boolean;
  found: boolean | null;
  key: ShownProviderKey;
  models: number;
  origin: Origin;
  facts_date: string | null;
}

/** Where a provider's key is from, its last characters, and the environment variables that are looked at. */
export interface ShownProviderKey {
  source: KeySource;
  hint: string | null;
  env: Array<string>;
}

export type KeySource = "vault" | "environment" | "none_needed" | "missing";

export type Origin = "shipped" | "database" | "file" | "environment" | "flag";

/** A provider of the user's own, that speaks OpenAI chat completions. */
export interface NewProvider {
  name: string;
  base_url: string;
  title?: string | null;
  key?: string | null;
}

/** A provider's key, to be sealed. */
export interface ProviderKey {
  key: string;
}

/** Whether a local provider may be called. */
export interface Enabled {
  enabled: boolean;
}

/** What a provider said of itself: its models, or what went wrong; `latency_ms` is that of the one request. */
export interface Tested {
  ok: boolean;
  latency_ms: number | null;
  models: Array<string>;
  error: Problem | null;
}

/** Which model to ask; null takes the first that is known. */
export interface Verification {
  model?: string | null;
}

/** A live check of one deployment. */
export interface Verified {
  deployment: string;
  ok: boolean;
  checks: Array<Check>;
}

/** One thing that was looked at. */
export interface Check {
  name: string;
  ok: boolean;
  detail: string;
}

/** The names of one provider's models. */
export interface ModelNames {
  models: Array<string>;
}

/** All gateway keys, the revoked ones too. */
export interface KeyList {
  keys: Array<ShownKey>;
}

/** What is known of a gateway key without knowing the key; `hint` is its last four characters. */
export interface ShownKey {
  id: string;
  name: string;
  hint: string;
  created: string;
  last_used: string | null;
  revoked: string | null;
}

/** Who or what will use the key. */
export interface NewKey {
  name: string;
}

/** A new gateway key, with the key itself: here and never again. */
export interface MadeKey {
  id: string;
  name: string;
  hint: string;
  created: string;
  last_used: string | null;
  revoked: string | null;
  key: string;
}

/** Some calls, newest first; `next` is the `before` of the page after this one. */
export interface CallPage {
  calls: Array<ShownCall>;
  next: string | null;
}

/** A call as it is on record; `at` is ISO 8601, durations are microseconds. */
export interface ShownCall {
  id: string;
  request_id: string;
  at: string;
  purpose: Purpose;
  outcome: Outcome;
  asked: string;
  deployment: string;
  provider: string;
  model: string;
  protocol: string;
  stream: boolean;
  duration_us: number;
  ttft_us: number | null;
  key: string | null;
  status: number | null;
  error: string | null;
  stop: string | null;
  usage: Usage | null;
  cost: Money | null;
  request: string | null;
  reply: string | null;
  upstream_id: string | null;
  losses: Array<string>;
}

export type Purpose = "traffic" | "battle" | "judge" | "bench" | "challenge" | "test";

export type Outcome = "ok" | "error" | "timeout" | "cancelled";

/** Tokens in disjoint buckets: their sum is the total, no token is in two. `reported` is the provider's own bill, if it sent one. */
export interface Usage {
  input?: number;
  cache_read?: number;
  cache_write_5m?: number;
  cache_write_1h?: number;
  audio_input?: number;
  image_input?: number;
  output?: number;
  reasoning?: number;
  audio_output?: number;
  image_output?: number;
  reported?: Money | null;
}

/** `nano` billionths of one unit of `currency`. Adding different currencies is an error, not a conversion. */
export interface Money {
  nano: number;
  currency: string;
}

/** What to ask both sides. */
export interface NewBattle {
  prompt: string;
}

/** The battle is on record; `token` is good for a vote as soon as both sides have begun. */
export interface Opened {
  id: string;
  turn: number;
  token: string;
}

/** Both columns have something to show. */
export interface Begun {
}

/** What both columns grew by, and whether they are whole. */
export interface Tick {
  a: string;
  b: string;
  a_done: boolean;
  b_done: boolean;
}

/** Both answers are whole; `token` is for the vote or the next turn. */
export interface Ended {
  turn: number;
  token: string;
}

/** A side failed: the battle counts for nothing, and its names stay hidden. */
export interface Voided {
  problem: Problem;
}

/** One event of a battle. */
export type BattleEvent =
  | ({ event: "battle" } & Opened)
  | ({ event: "begun" } & Begun)
  | ({ event: "tick" } & Tick)
  | ({ event: "end" } & Ended)
  | ({ event: "void" } & Voided);

/** Some of the voter's battles; `next` is the `before` of the page after this one. */
export interface BattlePage {
  battles: Array<ShownBattle>;
  next: string | null;
}

/**
 * A battle. `sides` and `effect` are there once it is voted; `token` only while its voter can go on.
 *
 * `turns` is empty after the vote where bodies are not kept.
 *
 * `expired` says that an open battle is too old for a vote.
 */
export interface ShownBattle {
  id: string;
  state: BattleState;
  turns: Array<ShownTurn>;
  choice: Choice | null;
  at: string;
  voted_at: string | null;
  sides: Record<Letter, BattleSide> | null;
  effect: Record<Letter, Standing> | null;
  token: string | null;
  expired: boolean;
}

export type BattleState = "open" | "voted" | "void";

/** A prompt and both answers, as far as they were shown. */
export interface ShownTurn {
  prompt: string;
  a: string;
  b: string;
}

export type Choice = "a" | "b" | "tie" | "both_bad";

export type Letter = "a" | "b";

/** Who stood on a side, and what all its answers took. null where a call was cut short and nobody knows. */
export interface BattleSide {
  model: string;
  title: string;
  provider: string;
  deployment: string;
  organization: string | null;
  ttft_ms: number | null;
  total_ms: number | null;
  input_tokens: number | null;
  output_tokens: number | null;
  cost: Money | null;
  calls: Array<string>;
}

/** A model's rating and rank without and with one vote; null where it cannot be compared yet. */
export interface Standing {
  before: number | null;
  after: number | null;
  rank_before: number | null;
  rank_after: number | null;
}

/** What to ask both sides next; `token` is the newest of this battle. */
export interface NextTurn {
  prompt: string;
  token: string;
}

/** Which side was better: `a`, `b`, `tie` or `both_bad`. */
export interface Vote {
  choice: string;
  token: string;
}

/** The battle with its names. */
export interface Revealed {
  battle: ShownBattle;
}

/** Whether a chain holds: its length and head, or the first `seq` that is wrong and why. */
export interface ChainReport {
  chain: string;
  ok: boolean;
  length: number;
  head: string;
  first_bad: number | null;
  reason: string | null;
}

/** What an import did. `imported` votes now stand in the chain under `source`. */
export interface Imported {
  source: string;
  format: string;
  imported: number;
  bad: Array<BadRow>;
}

/** A row that is no vote. `line` counts from 1, the header included; `code` is stable, `reason` for people. */
export interface BadRow {
  line: number;
  reason: string;
  code: string;
}

/** The board of one `source`; without any votes there is none, and no `method` either. */
export interface ShownBoard {
  source: string | null;
  sources: Array<BoardSource>;
  datasets: Array<BoardDataset>;
  rows: Array<BoardRow>;
  method: BoardMethod | null;
  excluded: Array<Excluded>;
}

/** A collection of votes; `first` and `last` are null where its votes have no times. */
export interface BoardSource {
  name: string;
  title: string;
  votes: number;
  first: string | null;
  last: string | null;
  licence: string | null;
  link: string | null;
}

/** Public votes that can be imported, or are here already. */
export interface BoardDataset {
  name: string;
  title: string;
  votes: number;
  licence: string;
  author: string;
  link: string;
  imported: boolean;
}

/**
 * A rated model (or one that cannot be rated, and why). null: nobody here serves it, or nobody says.
 *
 * `preliminary`: few votes so far. The medians of speed are of `speed_calls` streamed answers of `speed_days` days.
 */
export interface BoardRow {
  model: string;
  rating: number | null;
  low: number | null;
  high: number | null;
  rank: number | null;
  rank_low: number | null;
  rank_high: number | null;
  votes: number;
  reason: Reason | null;
  title: string;
  provider: string | null;
  organization: string | null;
  licence: string | null;
  preliminary: boolean;
  price: PriceTag | null;
  ttft_ms_p50: number | null;
  tokens_per_s_p50: number | null;
  speed_calls: number;
  speed_days: number;
}

export type Reason = "no_votes" | "undefeated" | "winless" | "separate_component" | "only_ties" | "ties_unbounded" | "one_voter" | "no_spread";

/** How and when the board was computed. */
export interface BoardMethod {
  name: "bradley_terry" | "davidson";
  ties: Ties;
  both_bad: BothBad;
  cluster: Cluster;
  scale: "elo";
  mean: number;
  interval: "sandwich_95" | "sandwich_by_voter_95";
  ranks: RankTest;
  votes: number;
  votes_used: number;
  voters: number | null;
  models: number;
  rated: number;
  nu: number | null;
  nu_error: number | null;
  iterations: number;
  components: number;
  text_key: string;
  computed_at: string;
}

export type Ties = "half" | "davidson";

export type BothBad = "tie" | "drop";

export type Cluster = "none" | "voter";

export type RankTest = "pairwise" | "simultaneous";

/** How many votes are left out, and why. */
export interface Excluded {
  reason: string;
  votes: number;
}
