/** The shapes of the answers of `/api/v1`. Written to the contract by hand; to be generated from the server's own Structs. */

export interface Money {
  nano: number;
  currency: string;
}

/** Nano-units of `currency` for a million tokens, as stated at `source` on `date`. */
export interface PriceTag {
  input: number;
  output: number;
  currency: string;
  date: string | null;
  source: string | null;
}

export interface ProblemBody {
  type?: string;
  title?: string;
  status: number;
  detail: string;
  code: string;
  hint?: string | null;
  param?: string | null;
}

export interface Session {
  signed_in: boolean;
  version: string;
  demo: boolean;
  bodies: "full" | "hashed" | "off";
  bodies_days: number;
  practice: boolean;
  first_run: boolean;
  password_login?: boolean;
}

export type ProviderKind = "cloud" | "local" | "practice";

export interface ModelRow {
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
  modalities: string[];
  price: PriceTag | null;
  about: Record<string, string>;
  ready: boolean;
  reason: string | null;
}

export interface ProviderRow {
  name: string;
  title: string;
  kind: ProviderKind;
  base_url: string;
  protocol: string;
  docs: string | null;
  enabled: boolean;
  found: boolean | null;
  key: { source: "vault" | "environment" | "none_needed" | "missing"; hint: string | null; env: string[] };
  models: number;
  origin: string;
  facts_date: string | null;
}

export interface ProviderTest {
  ok: boolean;
  latency_ms: number | null;
  models: string[];
  error: ProblemBody | null;
}

export interface KeyRow {
  id: string;
  name: string;
  hint: string;
  created: string;
  last_used: string | null;
  revoked: string | null;
}

export interface NewKey extends KeyRow {
  key: string;
}

export type Choice = "a" | "b" | "tie" | "both_bad";

export interface Turn {
  prompt: string;
  a: string;
  b: string;
}

export interface Side {
  model: string;
  title: string;
  provider: string;
  deployment: string;
  organization?: string | null;
  ttft_ms: number | null;
  total_ms: number | null;
  input_tokens: number | null;
  output_tokens: number | null;
  cost: Money | null;
  calls: string[];
}

export interface Effect {
  before: number | null;
  after: number | null;
  rank_before: number | null;
  rank_after: number | null;
}

export interface BattleRecord {
  id: string;
  state: "open" | "voted" | "void";
  turns: Turn[];
  choice: Choice | null;
  at: string;
  sides: { a: Side; b: Side } | null;
  effect: { a: Effect; b: Effect } | null;
  /** For an open battle of one's own: good for a vote or the next turn. */
  token?: string | null;
  /** An open battle that is too old for a vote. */
  expired?: boolean;
}

export type BattleEvent =
  | { event: "battle"; id: string; turn: number; token: string }
  | { event: "begun" }
  | { event: "tick"; a: string; b: string; a_done: boolean; b_done: boolean }
  | { event: "end"; token: string; turn: number }
  | { event: "void"; problem: ProblemBody };

export interface BoardRow {
  model: string;
  title: string;
  provider: string | null;
  organization: string | null;
  licence: string | null;
  rating: number | null;
  low: number | null;
  high: number | null;
  rank: number | null;
  rank_low: number | null;
  rank_high: number | null;
  votes: number;
  reason: string | null;
  preliminary: boolean;
  price: PriceTag | null;
  ttft_ms_p50: number | null;
  tokens_per_s_p50: number | null;
  /** How many answers the medians are of, in how many days. */
  speed_calls?: number;
  speed_days?: number;
}

export interface BoardSource {
  name: string;
  title: string;
  votes: number;
  first: string | null;
  last: string | null;
  licence: string | null;
  link: string | null;
}

export interface BoardMethod {
  name: string;
  ties: "half" | "davidson";
  cluster: "none" | "voter" | null;
  scale: string | number | null;
  interval: string | number | null;
  votes: number;
  voters: number | null;
  models: number;
  nu: number | null;
  iterations: number | null;
  components: number | null;
  computed_at: string | null;
  text_key?: string | null;
}

export interface DatasetRow {
  name: string;
  title: string;
  votes: number;
  licence: string;
  link: string;
  imported: boolean;
}

export interface Board {
  source: string | null;
  sources: BoardSource[];
  rows: BoardRow[];
  method: BoardMethod | null;
  excluded: Array<{ reason: string; votes: number }>;
  datasets: DatasetRow[];
}

export interface ImportReport {
  imported: number;
  bad: Array<{ line: number; reason: string }>;
  source: string;
}
