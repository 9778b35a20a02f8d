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

/**
 * What the page must know before anything else. `first_run`: no provider has a key yet. A `guest` is not signed in.
 *
 * `user` is who is signed in; its `id` is null for whoever runs this server and came by a link, the admin's password or the
 * local door. `password_login`: the admin's password is asked for; `accounts`: somebody has a password of their own; `oidc`:
 * people sign in elsewhere, at `/login/oidc`.
 */
export interface SessionState {
  signed_in: boolean;
  guest: ShownGuest | null;
  user: ShownSelf | null;
  version: string;
  demo: boolean;
  bodies: Bodies;
  bodies_days: number;
  practice: boolean;
  first_run: boolean;
  password_login: boolean;
  accounts: boolean;
  oidc: boolean;
}

/** Somebody who was invited to judge one challenge, and by which name. */
export interface ShownGuest {
  challenge: string;
  name: string;
}

/** Whoever is signed in. */
export interface ShownSelf {
  id: string | null;
  name: string;
  role: AccountRole;
  team: string | null;
}

export type AccountRole = "viewer" | "member" | "admin";

export type Bodies = "full" | "hashed" | "off";

/** An account's e-mail address and password; or a `token`: a login link's, or the admin's password. */
export interface SignIn {
  token?: string | null;
  email?: string | null;
  password?: string | null;
}

/** Whether somebody is signed in now. */
export interface SignedIn {
  signed_in: boolean;
}

/** One's own password, and the one to take its place. */
export interface NewPassword {
  old: string;
  new: string;
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

/** All accounts, the disabled ones too. */
export interface UserList {
  users: Array<ShownUser>;
}

/** Somebody with an account. `signs_in_with`: a password, an issuer of OpenID Connect, or nothing yet. */
export interface ShownUser {
  id: string;
  name: string;
  email: string | null;
  role: AccountRole;
  team: string | null;
  team_name: string | null;
  limits: ShownLimits;
  created: string;
  disabled: string | null;
  last_seen: string | null;
  has_password: boolean;
  signs_in_with: Array<"oidc" | "password">;
}

/** How much at a time; null is no bound. */
export interface ShownLimits {
  requests_per_minute: number | null;
  tokens_per_minute: number | null;
  concurrent: number | null;
}

/** Somebody new. `email` is what they sign in with; `limits` are for all their keys together. */
export interface NewUser {
  name: string;
  email?: string | null;
  role?: AccountRole;
  team?: string | null;
  limits?: Limits;
}

/** How much at a time: in any 60 seconds, and at once. null: no bound. */
export interface Limits {
  requests_per_minute?: number | null;
  tokens_per_minute?: number | null;
  concurrent?: number | null;
}

/** What is to change of an account; null takes it away. */
export interface UserChanges {
  name?: string;
  email?: string | null;
  role?: AccountRole;
  team?: string | null;
  limits?: Limits | null;
  disabled?: boolean;
}

/** A password for somebody. */
export interface GivenPassword {
  password: string;
}

/** Some entries, newest first; `next` is the `before` of the page after this one. */
export interface AuditPage {
  entries: Array<ShownEntry>;
  next: string | null;
}

/**
 * One change. `actor` is an account's id; "admin" for whoever runs this server and came by a link or a password, "local" for
 * the command line there, empty for nobody who got in. `detail` has the fields that came, null where the value is not kept.
 */
export interface ShownEntry {
  id: string;
  at: string;
  actor: string;
  actor_name: string;
  address: string | null;
  action: string;
  target: string;
  detail: Record<string, unknown>;
}

/**
 * All settings; the `file` they are read from; `problem`, why it could not be read last time, so that the settings before
 * it go on; and `waiting`: those that have another value there which counts after a restart only.
 */
export interface Configuration {
  settings: Array<ShownSetting>;
  file: string | null;
  problem: Problem | null;
  waiting: Array<string>;
}

/**
 * A setting as it stands: never a password. `origin` is `flag`, `environment`, `file` or `shipped`, `at` says where.
 *
 * `reloads`: another value counts without a restart.
 */
export interface ShownSetting {
  name: string;
  value: unknown;
  origin: string;
  at: string;
  reloads: boolean;
}

/** The configuration was read again, and so many workers were replaced. */
export interface Restarted {
  workers: number;
  waiting: Array<string>;
}

/** New requests are answered here. */
export interface Ready {
  status: string;
}

/** The file of a key that was prepared, on the server's machine; null makes a fresh one. */
export interface Rotation {
  new_key?: string | null;
}

/** What a rotation did. `kept_at` is the file of the old key, which backups from before need. */
export interface Rotated {
  fingerprint: string;
  former: string;
  key_file: string;
  kept_at: string;
  secrets: number;
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
  reason: "disabled" | "key_missing" | "parameter_missing" | null;
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

/**
 * A provider. `found` says of a local one whether it answers; `models` is how many are known, `priced` how many of them
 * have prices, the newest as of `prices_date`.
 *
 * `protocols` are those that it speaks itself, the one that others are translated to first; `endpoints` what it offers
 * beside answers, null where nobody knows. `live` are live checks, the newest first; without one the row is only as true
 * as its tests against a stand-in, by facts of `facts_date`. `state` is `parked` where all of its `keys` are, else the worst
 * of its deployments'; `unknown` where it cannot be called.
 */
export interface ShownProvider {
  name: string;
  title: string;
  kind: ProviderKind;
  base_url: string;
  protocol: string;
  protocols: Array<string>;
  counts_tokens: boolean;
  stores_responses: boolean;
  endpoints: Array<string> | null;
  parameters: Array<ShownParameter>;
  live: Array<ShownLive>;
  docs: string | null;
  enabled: boolean;
  found: boolean | null;
  key: ShownProviderKey;
  keys: Array<ShownAccess>;
  state: HealthState;
  limits: ShownLimits;
  models: number;
  priced: number;
  prices_date: string | null;
  origin: Origin;
  facts_date: string | null;
}

/** A blank in a provider's row, such as its region. `value` is what fills it in now, null where nothing does. */
export interface ShownParameter {
  name: string;
  about: string;
  value: string | null;
  required: boolean;
  env: Array<string>;
}

/** The last live check of one deployment: whether all came as it should, and what did not. */
export interface ShownLive {
  deployment: string;
  at: string;
  ok: boolean;
  reason: string | null;
}

/** Where a provider's key is from, its last characters, and the environment variables that are looked at. */
export interface ShownProviderKey {
  source: KeySource;
  hint: string | null;
  env: Array<string>;
}

export type KeySource = "vault" | "environment" | "none_needed" | "missing";

/** One of a provider's keys: the last characters of it, where it is from, and whether it is left alone, until when and why. */
export interface ShownAccess {
  name: string;
  hint: string | null;
  source: KeySource;
  state: HealthState;
  parked_until: string | null;
  reason: string | null;
}

export type HealthState = "ok" | "parked" | "open" | "half_open" | "unknown";

export type Origin = "shipped" | "database" | "file" | "environment" | "flag";

/** A provider of the user's own, and the protocol that it speaks. */
export interface NewProvider {
  name: string;
  base_url: string;
  title?: string | null;
  key?: string | null;
  protocol?: "anthropic" | "gemini" | "openai_chat" | "openai_responses";
}

/** A provider's key, to be sealed. */
export interface ProviderKey {
  key: string;
}

/** What fills in the blanks of a provider's row, by name; an empty value takes one away. */
export interface Values {
  values: Record<string, string>;
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

/** One question in one protocol. `lost` is what of it the protocol or the provider's dialect could not say. */
export interface Check {
  name: string;
  ok: boolean;
  detail: string;
  protocol: string;
  lost: Array<string>;
}

/** The names of one provider's models. */
export interface ModelNames {
  models: Array<string>;
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
  user: string | null;
  team: string | null;
  provider_key: string | null;
  status: number | null;
  error: string | null;
  stop: string | null;
  usage: Usage | null;
  cost: Money | null;
  cost_between: [number, number] | null;
  cached: string | null;
  request: string | null;
  reply: string | null;
  upstream_id: string | null;
  client_protocol: string | null;
  operation: string | null;
  losses: Array<string>;
  timeline: Array<[number, number]>;
}

export type Purpose = "traffic" | "battle" | "judge" | "bench" | "challenge" | "test";

export type Outcome = "ok" | "error" | "timeout" | "cancelled";

/**
 * Tokens in disjoint buckets: their sum is the total, no token is in two.
 *
 * `reported` is the provider's own bill, if it sent one. `estimated`: the provider did not count all of them; the rest is told
 * from what was sent and what came.
 */
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
  estimated?: boolean;
}

/** `nano` billionths of one unit of `currency`. Adding different currencies is an error, not a conversion. */
export interface Money {
  nano: number;
  currency: string;
}

/**
 * What calls come to. `since` to `until` is the span that was counted, `step_s` the width of a bar; `whole` is false where
 * older calls of the span asked for were left out, since there are too many. `unpriced` were answered and have no cost,
 * `estimated` have an estimate.
 */
export interface CallSums {
  since: string | null;
  until: string | null;
  step_s: number;
  whole: boolean;
  calls: number;
  failed: number;
  unpriced: number;
  estimated: number;
  input_tokens: number;
  output_tokens: number;
  costs: Array<Money>;
  bars: Array<CallBar>;
}

/** Calls that began within one step from `at`. */
export interface CallBar {
  at: string;
  calls: number;
  failed: number;
}

/** Calls that have come on record, in the order in which they began. */
export interface NewCalls {
  calls: Array<ShownCall>;
}

/** One event of a call. */
export type CallEvent =
  | ({ event: "calls" } & NewCalls);

/**
 * A call with its bodies. `attempts` are all calls at the same request, this one too, the oldest first.
 *
 * `key` names the gateway key that asked. `request` and `reply` are null where `request_state` and `reply_state` are
 * not "kept"; `reply` has one message per alternative. `price` is what the deployment costs by today's price list.
 */
export interface Trace {
  call: ShownCall;
  attempts: Array<ShownCall>;
  key: string | null;
  losses: Array<ShownLoss>;
  request: Request | null;
  request_state: BodyState;
  reply: Transcript | null;
  reply_state: BodyState;
  price: Price | null;
  cost_source: CostSource | null;
}

/** Something that the translation could not carry: which field, and as what it was sent instead. */
export interface ShownLoss {
  kind: LossKind;
  what: string;
  detail: string | null;
}

export type LossKind = "dropped" | "approximated" | "renamed";

/** One question to a model, in no protocol's words. `model` is the alias asked for; `user` the client's own end-user tag. */
export interface Request {
  model: string;
  transcript: Transcript;
  tools?: Array<Tool>;
  tool_choice?: ToolChoice | null;
  parallel_tool_calls?: boolean | null;
  output?: OutputFormat | null;
  sampling?: Sampling;
  stream?: boolean;
  stream_usage?: boolean | null;
  user?: string | null;
  extra?: Record<string, Record<string, unknown>>;
}

/** Ordered messages: a value, with a content hash and nothing else. */
export interface Transcript {
  messages?: Array<Message>;
}

/** One message. `name` tells participants of one role apart. */
export interface Message {
  role: Role;
  parts?: Array<Text | Thinking | Refusal | ToolCall | ToolResult | Image | Audio | Video | File | Page | Unknown>;
  name?: string | null;
  extra?: Record<string, Record<string, unknown>>;
}

export type Role = "system" | "developer" | "user" | "assistant" | "tool";

/** Words said to the other side. */
export interface Text {
  type: "text";
  cache?: CacheTime | null;
  extra?: Record<string, Record<string, unknown>>;
  text: string;
  citations?: Array<Citation>;
}

export type CacheTime = "5m" | "1h";

/** A source for words of a text. `start` and `end` count code points of that text; `quote` is in the source's words. */
export interface Citation {
  url?: string | null;
  title?: string | null;
  quote?: string | null;
  start?: number | null;
  end?: number | null;
  extra?: Record<string, Record<string, unknown>>;
}

/**
 * What a model thought before it answered.
 *
 * `signature` and `redacted` are opaque, and only the protocol named in `provider` can read them. Thoughts without
 * a `provider` are plain words that any model may be given back.
 */
export interface Thinking {
  type: "thinking";
  cache?: CacheTime | null;
  extra?: Record<string, Record<string, unknown>>;
  text?: string;
  signature?: string | null;
  redacted?: string | null;
  provider?: string | null;
}

/** Words with which a model declined, where its protocol tells them from an answer. */
export interface Refusal {
  type: "refusal";
  cache?: CacheTime | null;
  extra?: Record<string, Record<string, unknown>>;
  text: string;
}

/**
 * A model asks for a tool. `arguments` is the JSON text as the model wrote it, valid or not.
 *
 * `signature` is opaque, as a `Thinking` part's is, and belongs to the protocol named in `provider`.
 */
export interface ToolCall {
  type: "tool_call";
  cache?: CacheTime | null;
  extra?: Record<string, Record<string, unknown>>;
  id: string;
  name: string;
  arguments?: string;
  signature?: string | null;
  provider?: string | null;
}

/** What a tool gave back for the call `id`. */
export interface ToolResult {
  type: "tool_result";
  cache?: CacheTime | null;
  extra?: Record<string, Record<string, unknown>>;
  id: string;
  parts?: Array<Text | Thinking | Refusal | ToolCall | ToolResult | Image | Audio | Video | File | Page | Unknown>;
  is_error?: boolean;
}

/** A picture. `detail` is the resolution asked for (`low`, `high`, `auto`). */
export interface Image {
  type: "image";
  cache?: CacheTime | null;
  extra?: Record<string, Record<string, unknown>>;
  url?: string | null;
  data?: string | null;
  media_type?: string | null;
  detail?: string | null;
}

/** Sound. */
export interface Audio {
  type: "audio";
  cache?: CacheTime | null;
  extra?: Record<string, Record<string, unknown>>;
  url?: string | null;
  data?: string | null;
  media_type?: string | null;
}

/** Moving pictures. */
export interface Video {
  type: "video";
  cache?: CacheTime | null;
  extra?: Record<string, Record<string, unknown>>;
  url?: string | null;
  data?: string | null;
  media_type?: string | null;
}

/** A document. `file_id` names one that was uploaded to the provider before. */
export interface File {
  type: "file";
  cache?: CacheTime | null;
  extra?: Record<string, Record<string, unknown>>;
  url?: string | null;
  data?: string | null;
  media_type?: string | null;
  name?: string | null;
  file_id?: string | null;
}

/** A web page written by a model; shown on another origin only. */
export interface Page {
  type: "page";
  cache?: CacheTime | null;
  extra?: Record<string, Record<string, unknown>>;
  html: string;
}

/** A part of a kind that this version does not know, kept whole in `extra`. */
export interface Unknown {
  type: "unknown";
  cache?: CacheTime | null;
  extra?: Record<string, Record<string, unknown>>;
}

/** A function that the model may ask for. `parameters` is its JSON Schema, verbatim. */
export interface Tool {
  name: string;
  description?: string | null;
  parameters?: Record<string, unknown> | null;
  strict?: boolean | null;
  cache?: CacheTime | null;
  extra?: Record<string, Record<string, unknown>>;
}

/** Whether tools are used: freely, not at all, at least one, or the one named `name`. */
export interface ToolChoice {
  mode: "auto" | "named" | "none" | "required";
  name?: string | null;
}

/** The shape an answer must have: plain text, any JSON object, or JSON under `schema`. */
export interface OutputFormat {
  kind: "json" | "json_schema" | "text";
  name?: string | null;
  description?: string | null;
  schema?: Record<string, unknown> | null;
  strict?: boolean | null;
  extra?: Record<string, Record<string, unknown>>;
}

/**
 * How the next token is drawn and when to stop.
 *
 * `thinking` turns thinking on or off; `effort` says how much in a word (`minimal` to `max`, or a model's own),
 * `thinking_budget` in tokens; `show_thinking` asks for the thoughts, or a summary of them, in the answer.
 */
export interface Sampling {
  max_tokens?: number | null;
  temperature?: number | null;
  top_p?: number | null;
  top_k?: number | null;
  stop?: Array<string> | null;
  seed?: number | null;
  frequency_penalty?: number | null;
  presence_penalty?: number | null;
  effort?: string | null;
  thinking_budget?: number | null;
  thinking?: boolean | null;
  show_thinking?: boolean | null;
}

export type BodyState = "kept" | "none" | "gone" | "private";

/**
 * What a million tokens of each bucket cost, in nano-units of `currency`, as stated at `source` on `date`.
 *
 * A bucket without a price of its own is billed like the bucket it belongs to: cached and media input as input,
 * reasoning and media output as output. Where more than `over_tokens` went in, `over` is the price of the whole.
 */
export interface Price {
  input: number;
  output: number;
  cache_read?: number | null;
  cache_write_5m?: number | null;
  cache_write_1h?: number | null;
  audio_input?: number | null;
  image_input?: number | null;
  reasoning?: number | null;
  audio_output?: number | null;
  image_output?: number | null;
  currency?: string;
  source?: string | null;
  date?: string | null;
  over_tokens?: number | null;
  over?: Price | null;
}

export type CostSource = "provider" | "price_list" | "older_price_list" | "estimate" | "cache";

/** Sums of calls. `since` and `until` are the days that were asked for; null: as far as the record goes. */
export interface Spend {
  rows: Array<SpendRow>;
  since: string | null;
  until: string | null;
}

/** What one key, user, team, model, provider or day came to; `name` is what people call it. `what` is "" where there is none. */
export interface SpendRow {
  what: string;
  name: string;
  calls: number;
  failed: number;
  unpriced: number;
  estimated: number;
  input_tokens: number;
  cache_read_tokens: number;
  cache_write_tokens: number;
  output_tokens: number;
  costs: Array<SpentMoney>;
}

/** An amount, and where it holds estimates, the bounds between which the true one lies. */
export interface SpentMoney {
  nano: number;
  currency: string;
  low: number;
  high: number;
}

/** The report beside our record; `bills` are those of single calls, where they were asked for. */
export interface Reconciled {
  report: Reconciliation;
  bills: Array<ModelBills> | null;
}

/** All lines, and their sums. `beyond` is how far their sum lies outside of our bounds, as a part of it: what no estimate explains. */
export interface Reconciliation {
  provider: string;
  since: string;
  until: string;
  lines: Array<DriftLine>;
  currency: string;
  ours_nano: number;
  low_nano: number;
  high_nano: number;
  theirs_nano: number | null;
  drift: number | null;
  beyond: number | null;
  missing_here: Array<string>;
  missing_there: Array<string>;
  unpriced: Array<string>;
}

/**
 * One model on one day (null: all models). `drift_nano` is ours less theirs, `drift` its part of theirs; where a report
 * has no costs, `drift` is of tokens.
 */
export interface DriftLine {
  day: string;
  model: string | null;
  currency: string;
  ours: Counted | null;
  theirs: Counted | null;
  drift_nano: number | null;
  drift: number | null;
  reason: DriftReason;
  bucket: TokenBucket | null;
}

/** What one side counts; null where it does not say. `low` and `high` bound the cost, where estimates are in it. */
export interface Counted {
  calls: number | null;
  input: number | null;
  cache_read: number | null;
  cache_write: number | null;
  output: number | null;
  tokens: number | null;
  nano: number | null;
  low: number | null;
  high: number | null;
  estimated: number;
  unpriced: number;
}

export type DriftReason = "equal" | "within_estimates" | "missing_here" | "missing_there" | "unpriced" | "tokens" | "price" | "unknown";

export type TokenBucket = "input" | "cache_read" | "cache_write" | "output";

/** The calls of one model that came with a bill: what those say together, and what the price list says. */
export interface ModelBills {
  model: string;
  calls: number;
  differing: number;
  reported_nano: number;
  listed_nano: number;
  currency: string;
  worst: Array<DifferingBill>;
}

/** A call whose provider sent a bill of its own that the price list does not come to. */
export interface DifferingBill {
  id: string;
  at: string;
  model: string;
  reported: Money;
  listed: Money;
}

/** All gateway keys, the revoked ones too. */
export interface KeyList {
  keys: Array<ShownKey>;
}

/**
 * What is known of a gateway key without knowing the key; `hint` is its last four characters.
 *
 * `team` is the key's own, `team_name` that of its team or else of its user's. `old_until`: how long the secret that it had
 * before it was rotated is good.
 */
export interface ShownKey {
  id: string;
  name: string;
  hint: string;
  created: string;
  last_used: string | null;
  revoked: string | null;
  expires: string | null;
  old_until: string | null;
  user: string | null;
  user_name: string | null;
  team: string | null;
  team_name: string | null;
  scopes: ShownScopes;
  limits: ShownLimits;
}

/** What a key is good for; an empty list allows all. */
export interface ShownScopes {
  models: Array<string>;
  protocols: Array<string>;
  addresses: Array<string>;
}

/**
 * Who or what will use the key, and what it is good for. `expires` is ISO 8601 with its offset from UTC.
 *
 * `key`: one that its holders have already, from another gateway; only an admin may bring such along.
 */
export interface NewKey {
  name: string;
  key?: string | null;
  user?: string | null;
  team?: string | null;
  scopes?: Scopes;
  limits?: Limits;
  expires?: string | null;
}

/**
 * What a key is good for; an empty list allows all.
 *
 * `models` are names as clients ask for them, `*` standing for anything; `protocols` those of the clients; `addresses`
 * networks such as `10.0.0.0/8` that requests must come from.
 */
export interface Scopes {
  models?: Array<string>;
  protocols?: Array<string>;
  addresses?: Array<string>;
}

/** A new gateway key, or an old one's new secret, with the key itself: here and never again. */
export interface MadeKey {
  id: string;
  name: string;
  hint: string;
  created: string;
  last_used: string | null;
  revoked: string | null;
  expires: string | null;
  old_until: string | null;
  user: string | null;
  user_name: string | null;
  team: string | null;
  team_name: string | null;
  scopes: ShownScopes;
  limits: ShownLimits;
  key: string;
}

/** What is to change of a key; null takes it away. */
export interface KeyChanges {
  name?: string;
  user?: string | null;
  team?: string | null;
  scopes?: Scopes | null;
  limits?: Limits | null;
  expires?: string | null;
}

/** How many seconds the secret that a key has now stays good beside the new one. */
export interface KeyRotation {
  overlap_s?: number;
}

/** All teams, the archived ones too. */
export interface TeamList {
  teams: Array<ShownTeam>;
}

/** A team; `members` and `keys` are how many are not disabled or revoked. null of an archived team's keys is good. */
export interface ShownTeam {
  id: string;
  name: string;
  limits: ShownLimits;
  created: string;
  archived: string | null;
  members: number;
  keys: number;
}

/** What a team is called, and how much all its keys together may ask at a time. */
export interface NewTeam {
  name: string;
  limits?: Limits;
}

/** What is to change of a team; null takes its limits away. */
export interface TeamChanges {
  name?: string;
  limits?: Limits | null;
  archived?: boolean;
}

/** All budgets. */
export interface BudgetList {
  budgets: Array<ShownBudget>;
}

/**
 * A budget and how it stands now. Amounts are nano-units of `currency` where `measure` is money, else counts.
 *
 * `reserved` is set aside for requests under way; `left` is what new ones may use. The window runs from `starts` until
 * `resets`, null where it never does. `near` is the share at which it is said that it comes to its end.
 */
export interface ShownBudget {
  id: string;
  holder_kind: HolderKind;
  holder: string;
  holder_name: string;
  measure: Measure;
  amount: number;
  currency: string;
  per: Per;
  near: number;
  used: number;
  reserved: number;
  left: number;
  starts: string;
  resets: string | null;
  created: string;
}

export type HolderKind = "key" | "user" | "team" | "provider";

export type Measure = "money" | "tokens" | "requests";

export type Per = "hour" | "day" | "week" | "month" | "total";

/**
 * A budget of a key, a user, a team (by id) or a provider (by name). `amount` is text such as "12.50" for money, else a whole
 * number.
 */
export interface NewBudget {
  holder_kind: HolderKind;
  holder: string;
  measure: Measure;
  amount: string | number;
  per: Per;
  currency?: string;
  near?: number;
}

/** What is to change of a budget; what was used stays. */
export interface BudgetChanges {
  amount?: string | number;
  near?: number;
}

/** The newest first; `webhooks` is how many addresses they are sent to. */
export interface AlertList {
  alerts: Array<ShownAlert>;
  webhooks: number;
}

/** What was said; `subject` is the budget, provider or deployment that it is about. */
export interface ShownAlert {
  id: string;
  kind: AlertKind;
  at: string;
  subject: string;
  text: string;
}

export type AlertKind = "budget.near" | "budget.spent" | "provider.down" | "provider.up" | "price.changed";

/** All of them. */
export interface AliasList {
  aliases: Array<ShownAlias>;
}

/** A name that clients may ask for. Those of the `file` can only be changed there. */
export interface ShownAlias {
  name: string;
  targets: Array<ShownTarget>;
  retries: number;
  cache_s: number;
  origin: "database" | "file";
}

/** A deployment behind an alias; `state` is `unknown` where it cannot be called. */
export interface ShownTarget {
  deployment: string;
  weight: number;
  priority: number;
  state: HealthState;
}

/** What is to stand behind a name; as in the table `[aliases]` of the configuration file. */
export interface NewAlias {
  targets: Array<Target>;
  retries?: number;
  cache_s?: number;
}

/**
 * One deployment behind an alias.
 *
 * Targets of the lowest `priority` are asked first, each as often as its `weight` says; those of a higher one only where
 * none of them could answer.
 */
export interface Target {
  deployment: string;
  weight?: number;
  priority?: number;
}

/** A further key of a provider, under a name of its own. */
export interface NewProviderKey {
  name: string;
  key: string;
}

/** How much a provider may be asked at a time; what is left out or null has no bound. */
export interface NewLimits {
  requests_per_minute?: number | null;
  tokens_per_minute?: number | null;
  concurrent?: number | null;
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

/**
 * The board of one `source`; without any votes there is none, and no `method` either. `benchmarks` are those run here, that
 * with the most models first; `measured` the models that have scores of them and no row.
 */
export interface ShownBoard {
  source: string | null;
  sources: Array<BoardSource>;
  datasets: Array<BoardDataset>;
  rows: Array<BoardRow>;
  method: BoardMethod | null;
  excluded: Array<Excluded>;
  benchmarks: Array<BoardBenchmark>;
  measured: Array<BoardMeasured>;
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
 * `preliminary`: few votes so far. The medians of speed are of `speed_calls` streamed answers of `speed_days` days. `scores`
 * are those of benchmarks that were run here.
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
  scores: Array<BoardScore>;
}

export type Reason = "no_votes" | "undefeated" | "winless" | "separate_component" | "only_ties" | "ties_unbounded" | "one_voter" | "no_spread";

/**
 * What a run of a benchmark measured here: the score with its 95 % interval on `n` answers; `reason` says why there is none.
 * `model` is the deployment, `rows` the page of the run, `questions` how many were asked where not all were.
 */
export interface BoardScore {
  task: string;
  recipe: string;
  model: string;
  value: number | null;
  low: number | null;
  high: number | null;
  n: number;
  reason: string | null;
  questions: number | null;
  at: string;
  rows: string;
}

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

/** A benchmark that models were measured on, in the `recipe` that most of them share; `models` counts those. */
export interface BoardBenchmark {
  task: string;
  title: string;
  recipe: string;
  models: number;
}

/** A model that was measured here and is not rated by these votes. */
export interface BoardMeasured {
  model: string;
  title: string;
  provider: string | null;
  organization: string | null;
  scores: Array<BoardScore>;
}

/** Every task that can be run here, and what is wrong with those that cannot be read. */
export interface TaskList {
  tasks: Array<ShownTask>;
  broken: Array<string>;
}

/** A task in one line. `questions` is null where nobody knows before its data are here; `samples`: how often each is asked. */
export interface ShownTask {
  id: string;
  version: number;
  title: string;
  about: string;
  kind: string;
  questions: number | null;
  samples: number;
  runs_code: boolean;
  gated: boolean;
  needs_judge: boolean;
  licence: string;
  link: string;
}

/** A task with what decides its numbers. `typical` is null before it was run here. */
export interface ReadTask {
  id: string;
  version: number;
  title: string;
  about: string;
  kind: string;
  questions: number | null;
  samples: number;
  runs_code: boolean;
  gated: boolean;
  needs_judge: boolean;
  licence: string;
  link: string;
  citation: string;
  prompt: string;
  system: string | null;
  sampling: Record<string, unknown>;
  metrics: Array<string>;
  options: Record<string, unknown>;
  files: Array<TaskFile>;
  typical: Typical | null;
}

/** A file of data that a task needs. `token`: the setting that must hold the user's own. */
export interface TaskFile {
  name: string;
  link: string | null;
  sha256: string | null;
  bytes: number | null;
  token: string | null;
}

/** What one sample of a task took in earlier runs here, on average of `samples`: tokens in and out. */
export interface Typical {
  samples: number;
  input_tokens: number;
  output_tokens: number;
}

/** What to measure, and how. */
export interface NewRun {
  task: string;
  model: string;
  limit?: number | null;
  samples?: number | null;
  sampling?: Sampling;
  concurrency?: number;
  budget?: Money | null;
  judge?: string | null;
  baseline?: string | null;
  seed?: number;
  use_cache?: boolean;
  unlocked?: boolean;
  executor?: "local" | "ray";
  workers?: number;
  accept_unsafe?: boolean;
  options?: Record<string, unknown>;
}

/** The run that goes on by itself now. */
export interface BegunRun {
  id: string;
}

/** All runs, the newest first. */
export interface RunList {
  runs: Array<RunLine>;
}

/** A run in one line. `done` of `planned` samples are scored; `rate_per_s` and `left_s` only while it runs. */
export interface RunLine {
  id: string;
  task: string;
  title: string;
  model: string;
  state: State;
  at: string;
  ended_at: string | null;
  planned: number;
  done: number;
  score: Interval;
  coverage: number | null;
  cost: Money | null;
  rate_per_s: number | null;
  left_s: number | null;
}

export type State = "running" | "interrupted" | "stopped" | "ended";

/**
 * A number, where it lies with 95 % confidence, and how many observations it rests on.
 *
 * `reason` says why it, or a bound of it, is null: `no_data`; `one_cluster` (or a single observation): nothing tells how
 * far it may be off; `no_spread`: all observations are alike, so nothing does either; `too_few`: no observation lies far
 * enough out to be that bound. Functions that use intervals add reasons of their own.
 */
export interface Interval {
  value: number | null;
  low: number | null;
  high: number | null;
  n: number;
  reason: string | null;
}

/**
 * A run as it stands, or as it ended. `answered` counts those whose score is still to come as well; `outcomes` those that are
 * scored, `coverage` is the share of them that got an answer which could be scored. `metrics` are the parts of scores, the mean
 * of the categories (`macro`) where that is not the score, and pass@k. `unpriced` samples have no cost. `layers` are those of
 * the sandbox that were active, `missing` those that were not. `redacted`: nothing of what was asked and said is shown.
 */
export interface ShownRun {
  id: string;
  task: string;
  title: string;
  model: string;
  state: State;
  at: string;
  ended_at: string | null;
  planned: number;
  done: number;
  score: Interval;
  coverage: number | null;
  cost: Money | null;
  rate_per_s: number | null;
  left_s: number | null;
  spec: NewRun;
  version: number;
  redacted: boolean;
  answered: number;
  trouble: string | null;
  outcomes: Record<BenchOutcome, number>;
  metrics: Array<NamedInterval>;
  categories: Array<NamedInterval>;
  latency: Times | null;
  first_token: Times | null;
  tokens: Tokens | null;
  cached: number;
  unpriced: number;
  recipe: string;
  parts: Array<RecipePart>;
  layers: Array<string>;
  missing: Array<string>;
}

export type BenchOutcome = "right" | "wrong" | "graded" | "unparsed" | "refused" | "truncated" | "timeout" | "error";

/** A metric, or a category of questions, by its `name`. */
export interface NamedInterval {
  value: number | null;
  low: number | null;
  high: number | null;
  n: number;
  reason: string | null;
  name: string;
}

/** Quantiles in microseconds, with intervals by question; answers out of the cache are left out. */
export interface Times {
  p50: Interval;
  p95: Interval;
  p99: Interval;
}

/** Totals as the provider counts them; `output` includes `reasoning`. `unknown` results came without a count. */
export interface Tokens {
  input: number;
  output: number;
  reasoning: number;
  unknown: number;
}

/** One of the things that decide a number, and what it was: a value, or the hash of one. */
export interface RecipePart {
  name: string;
  value: string;
}

/** How a run stands now. */
export interface RunProgress {
  run: ShownRun;
}

/** How a run stands, now that it goes on no longer. */
export interface RunOver {
  run: ShownRun;
}

/** One event of a run. */
export type RunEvent =
  | ({ event: "progress" } & RunProgress)
  | ({ event: "end" } & RunOver);

/** With what to go on: a new `budget` in place of the one before, which includes what was spent. */
export interface GoOn {
  budget?: Money | null;
}

/** Some of the samples, in the order of the questions; `next` is the `after` of the page after this one. */
export interface SamplePage {
  samples: Array<SampleLine>;
  next: number | null;
}

/**
 * A sample in one line. `value` is null until it is scored, and for an error. `answer` is what was extracted from the text.
 * It is null, and `detail` is empty, where the run is `redacted`.
 */
export interface SampleLine {
  sample: string;
  epoch: number;
  category: string | null;
  outcome: BenchOutcome | null;
  value: number | null;
  answer: string | null;
  detail: string;
  latency_us: number | null;
  cost: Money | null;
  cached: boolean;
}

/**
 * A sample in full. `asked` and `said` are null where the task is gated and the run was not unlocked (`redacted`), or before
 * there is an answer. `calls` are the model's, `judge_calls` the judge's; each has a trace. `after` leads to the samples that
 * follow.
 */
export interface ReadSample {
  sample: string;
  epoch: number;
  category: string | null;
  outcome: BenchOutcome | null;
  value: number | null;
  answer: string | null;
  detail: string;
  latency_us: number | null;
  cost: Money | null;
  cached: boolean;
  redacted: boolean;
  asked: Array<Message> | null;
  said: Message | null;
  stop: StopReason | null;
  parts: Record<string, number>;
  error: string | null;
  ttft_us: number | null;
  usage: Usage | null;
  calls: Array<string>;
  judge_calls: Array<string>;
  after: number;
}

export type StopReason = "end" | "length" | "tool_calls" | "stop_sequence" | "refusal" | "content_filter" | "other";

/**
 * Two runs and what the questions that both have scored say of them. `found` holds at most as many flipped questions of either
 * side as were asked for; `flipped` counts all, those on which `a` did better first. `answers` are what was found in the first
 * answers of either to the flipped questions; none, where one of the two is redacted.
 */
export interface ComparedRuns {
  a: RunLine;
  b: RunLine;
  found: Comparison;
  flipped: [number, number];
  answers: Record<string, [string | null, string | null]>;
}

/**
 * `score` is what `verdict` is about; `parts` and `categories` are hints. `outcomes` counts all results, A's and B's.
 *
 * `only_a` and `only_b` questions were asked in one run alone, `lost` ones have no answer from one of the two.
 * `better_a` and `better_b`: the questions that flipped, the largest differences first. `different` are the parts of the recipe
 * that are not the same; then the difference may be theirs. `cost` (nano-units a question; null without a price or in two
 * currencies) and `latency` (microseconds, median) are A less B, too.
 */
export interface Comparison {
  verdict: Finding;
  score: Row;
  parts: Array<Row>;
  categories: Array<Row>;
  questions: number;
  only_a: number;
  only_b: number;
  lost: number;
  outcomes: Record<BenchOutcome, [number, number]>;
  better_a: Array<Flip>;
  better_b: Array<Flip>;
  different: Array<string>;
  cost: Interval | null;
  latency: Interval;
}

export type Finding = "A better" | "B better" | "cannot tell";

/**
 * One number of both runs over the same `questions`. `difference` is A less B.
 *
 * `p_together` is `p` corrected for all that was looked at with it, and what `verdict` goes by. `detectable` is the smallest
 * difference that these questions would show with a chance of 80 %; null where no question differs.
 */
export interface Row {
  name: string;
  questions: number;
  a: number | null;
  b: number | null;
  difference: Interval;
  test: Test;
  p: number | null;
  p_together: number | null;
  detectable: number | null;
  verdict: Finding;
}

export type Test = "mcnemar" | "sign_flip";

/** A question on which the two differ: what each got on average, and what became of its first sample. */
export interface Flip {
  sample: string;
  a: number;
  b: number;
  outcome_a: BenchOutcome;
  outcome_b: BenchOutcome;
}

/** The best first. `same_recipe` is false where they were not all measured alike. */
export interface RankedRuns {
  task: string;
  same_recipe: boolean;
  runs: Array<RankedRun>;
}

/** A run and where it stands. */
export interface RankedRun {
  model: string;
  ranked: Ranked;
}

/**
 * `value` is the mean over the `questions` that all have answered, of a balanced task that over their categories. The true rank
 * lies from `low` to `high` with 95 %.
 */
export interface Ranked {
  name: string;
  value: number;
  questions: number;
  rank: number;
  low: number;
  high: number;
}

/**
 * `source` is the program it comes from, `at` when it was made (microseconds UTC), `parts` what is known of the recipe.
 * `targets` are right answers by sample, where they are known and may be shown; `sampling` is what was asked for.
 */
export interface Sheet {
  task: string;
  title: string;
  model: string;
  source: string;
  at: number;
  results: Array<Result>;
  version?: string;
  parts?: Record<string, unknown>;
  targets?: Record<string, string>;
  sampling?: Record<string, unknown>;
}

/**
 * `sample` is the question's id, `epoch` counts from 0 how often it has been asked before in this run.
 *
 * `transcript` is what was asked last, `message` what came. `calls` are all attempts. Times in microseconds; `latency_us` from
 * the question to the last byte. `cost` is null where no price is known.
 */
export interface Result {
  sample: string;
  epoch: number;
  state: ResultState;
  cluster?: string | null;
  category?: string | null;
  transcript?: Transcript | null;
  message?: Message | null;
  stop?: StopReason | null;
  calls?: Array<string>;
  usage?: Usage | null;
  cost?: Money | null;
  latency_us?: number | null;
  ttft_us?: number | null;
  cached?: boolean;
  scored?: Scored | null;
}

export type ResultState = "waiting" | "answered" | "scored";

/**
 * `value` in [0, 1] is what counts towards the score: 1 for `right`, anything for `graded`, 0 for the other ways of
 * having answered, null for `error`.
 *
 * `extracted` is the answer that was found in the text, `parts` named sub-scores in [0, 1] (`base`, `plus`,
 * `prompt_strict` ...), `detail` why, in words that never contain a hidden value, `error` a stable code. `calls` are the
 * judge's.
 */
export interface Scored {
  outcome: BenchOutcome;
  value: number | null;
  extracted?: string | null;
  parts?: Record<string, number>;
  detail?: string;
  error?: string | null;
  calls?: Array<string>;
}

/** The run that was made of what came in. */
export interface KeptRun {
  id: string;
}

/**
 * `open`: questions come by chance (Poisson), `rate_per_s` of them on average, however slow the answers are, as people's do.
 * `closed`: `concurrency` askers, each of whom waits for an answer before the next question, as a batch job does.
 *
 * `requests` are asked in each of the `repeats`, the same ones in the same order at the same intervals; `against` is asked the
 * very same, in turns. `warmup` questions before each repeat are not counted. `prompts` replace our own of about
 * `input_words` words; a line in front makes each one new to any cache, unless `may_be_cached`.
 */
export interface SpeedSpec {
  model: string;
  against?: string | null;
  schedule?: "closed" | "open";
  rate_per_s?: number;
  concurrency?: number;
  requests?: number;
  repeats?: number;
  warmup?: number;
  input_words?: number;
  prompts?: Array<string>;
  may_be_cached?: boolean;
  max_tokens?: number;
  temperature?: number | null;
  slo?: Slo;
  seed?: number;
  timeout_s?: number;
}

/** What an answer has to keep to count towards goodput, in milliseconds: to its first piece, between tokens on average, in all. */
export interface Slo {
  ttft_ms?: number | null;
  between_ms?: number | null;
  total_ms?: number | null;
}

/** How many questions that count were asked, of how many, and how many of them failed. */
export interface SpeedProgress {
  done: number;
  planned: number;
  failed: number;
}

/** The result; it is on record. */
export interface SpeedMeasured {
  report: SpeedReport;
}

/** `at` in microseconds UTC. `order` is how repeats took turns, such as `AB BA AB`. */
export interface SpeedReport {
  spec: SpeedSpec;
  at: number;
  took_s: number;
  order: string;
  a: Side;
  b: Side | null;
  paired: Array<PairedFigure>;
  own: OwnLimit;
  notes: Array<string>;
}

/**
 * One deployment. `asked` and `answered` count requests; `errors` are the others, by code. `late_ms` is how much later than it
 * was due a question was sent, at worst: if that is much, our own side was too slow, and times contain it.
 */
export interface Side {
  model: string;
  asked: number;
  answered: number;
  errors: Record<string, number>;
  tokens: number;
  tokens_unknown: number;
  characters: number;
  bytes: number;
  cost: Array<Money>;
  late_ms: number;
  figures: Array<Figure>;
}

/**
 * A number by name, such as `ttft_p95_ms`. `value.n` counts repeats.
 *
 * Besides the reasons of every `Interval`: `few_requests`, a repeat has too few for that quantile, which is then that of
 * all repeats together and has no interval; `not_counted`, a provider that counts no tokens, or sent an answer in one piece.
 */
export interface Figure {
  name: string;
  value: Interval;
}

/** A less B, repeat by repeat. The verdicts of all numbers hold together. */
export interface PairedFigure {
  name: string;
  difference: Interval;
  verdict: Faster;
}

export type Faster = "A faster" | "B faster" | "cannot tell";

/**
 * What our own side does with answers that take no time: `events_per_s` at most, and by how much it is late to see an event
 * when as many answers come at once as here, in milliseconds. `used` is how much of the first the measurement needed at its busiest.
 */
export interface OwnLimit {
  events_per_s: number;
  late_p50_ms: number;
  late_p99_ms: number;
  used: number;
}

/** One event of a speed. */
export type SpeedEvent =
  | ({ event: "progress" } & SpeedProgress)
  | ({ event: "end" } & SpeedMeasured);

/** What a file held: `items` in it, by category, and how many of them were `added` to the collection `name`. */
export interface BroughtIn {
  name: string;
  format: string;
  items: number;
  added: number;
  bad: Array<BadLine>;
  notes: Array<string>;
  categories: Record<string, number>;
}

/** A line (from 1) that no item came of, and why. */
export interface BadLine {
  line: number;
  reason: string;
}

/** Everything that was brought in. */
export interface Collections {
  work: Array<Collection>;
}

/** Work that was brought in. `origin` names the files, `categories` counts the `items` of each. */
export interface Collection {
  name: string;
  items: number;
  format: string;
  origin: string;
  at: string;
  categories: Record<string, number>;
}

/**
 * A challenge as it was asked for.
 *
 * `challenger` and `incumbent` are deployments. `judges`: `("human",)`, `("program",)`, or one or more deployments that
 * judge as a jury. `margin` is in win rate (0.05 is five points of a hundred): see `zone`. `budget` bounds what contestants
 * and judges may cost together. `checks` hold for every item, beside its own. `rerun` maps a tool's name to the command that
 * runs it again (arguments as JSON on standard input, result on standard output). `seed` fixes the sample, the order and the
 * sides. `rubric` replaces the shipped one.
 */
export interface Spec {
  challenger: string;
  incumbent: string;
  source: Traffic | Work | Content | Example;
  judges: Array<string>;
  goal?: Goal;
  margin?: number;
  confidence?: number;
  limit?: number;
  budget?: Money | null;
  checks?: Array<Exact | OneOf | Pattern | Number | JsonSchema | Length | Format>;
  rerun?: Record<string, Array<string>>;
  rubric?: string | null;
  concurrency?: number;
  seed?: number | null;
}

/**
 * The gateway's own recorded calls: of one `key` (id or name), asked under one `alias`, between two times
 * (microseconds UTC), with one `tag` (`name=value` of the request's metadata, or a bare tag).
 */
export interface Traffic {
  kind: "traffic";
  key?: string | null;
  alias?: string | null;
  since?: number | null;
  until?: number | null;
  tag?: string | null;
}

/** A collection that was brought in before, by its `name`. */
export interface Work {
  kind: "work";
  name: string;
}

/** A file sent along: its `name` and its `text`. */
export interface Content {
  kind: "content";
  name: string;
  text: string;
}

/** A file of prompts that Assay ships, by its `name`. */
export interface Example {
  kind: "example";
  name: string;
}

export type Goal = "better" | "no_worse";

/** The answer is `value`, white space around it aside. */
export interface Exact {
  check: "exact";
  value: string;
  ignore_case?: boolean;
}

/** The answer is one of `values`, white space around it aside. */
export interface OneOf {
  check: "one_of";
  values: Array<string>;
  ignore_case?: boolean;
}

/** The regular expression `pattern` is found in the answer. */
export interface Pattern {
  check: "regex";
  pattern: string;
}

/** The last number in the answer is `value`, give or take `tolerance` or `relative` (a share of it), whichever is more. */
export interface Number {
  check: "number";
  value: number;
  tolerance?: number;
  relative?: number;
}

/** The answer, or the only code block in it, is JSON under `schema`. */
export interface JsonSchema {
  check: "json_schema";
  schema: Record<string, unknown>;
}

/**
 * The answer has at least `least` and at most `most` of `unit`. Each Chinese character or kana counts as a word; blank
 * lines do not count.
 */
export interface Length {
  check: "length";
  unit?: "characters" | "lines" | "words";
  least?: number | null;
  most?: number | null;
}

/** The answer is JSON, one line or a list, or it begins with, ends with, holds or lacks `value`. */
export interface Format {
  check: "format";
  rule: "bullets" | "contains" | "ends_with" | "json" | "lacks" | "one_line" | "starts_with";
  value?: string;
  ignore_case?: boolean;
}

/** What a challenge would ask, before anything is asked. `estimate` is a rough guess; null where a price is not known. */
export interface ShownPlan {
  challenger: string;
  incumbent: string;
  items: number;
  clusters: number;
  categories: Record<string, number>;
  notes: Array<string>;
  bad: Array<BadLine>;
  estimate: Money | null;
}

/** The challenge that runs now. */
export interface Started {
  id: string;
}

/** All challenges, the newest first. */
export interface SummaryList {
  challenges: Array<Summary>;
}

/** A challenge in one line. `challenger` and `incumbent` are deployments. */
export interface Summary {
  id: string;
  state: State;
  at: string;
  ended_at: string | null;
  challenger: string;
  incumbent: string;
  goal: Goal;
  judges: Array<string>;
  decision: Decision | null;
  win_rate: Estimate;
  judged: number;
  planned: number;
  spent: Money | null;
}

/** The answer. `more_items`: about how many further items would settle it; null where nothing points to an end. */
export interface Decision {
  word: Word;
  more_items: number | null;
}

export type Word = "switch" | "do_not_switch" | "cannot_tell" | "budget_spent";

/** A number with its interval and how many observations it rests on; all null but `reason` where it cannot be had. */
export interface Estimate {
  value: number | null;
  low: number | null;
  high: number | null;
  n: number;
  reason: string | null;
}

/**
 * A challenge as it stands, or as it ended. `decision` is null only before the first look.
 *
 * `win_rate`: share of judged observations won by the challenger, ties half; its bounds hold at every look, each with the
 * confidence asked for. `superior` and `no_worse` say whether each has been shown so far, whatever was the goal.
 * `clearest_wins` and `clearest_losses` are item numbers. `histories_by_incumbent` is the share of asked items whose recorded
 * prefix the incumbent wrote at least in part.
 */
export interface Report {
  id: string;
  state: State;
  at: string;
  ended_at: string | null;
  spec: Spec;
  sides: Record<ChallengeSide, string>;
  decision: Decision | null;
  win_rate: Estimate;
  superior: boolean;
  no_worse: boolean;
  tally: Tally;
  evidence: Array<Step>;
  categories: Array<Share>;
  metrics: Array<Metric>;
  judges: Array<JudgeNote>;
  agreements: Array<Agreement>;
  diverged: Record<ChallengeSide, number>;
  histories_by_incumbent: Estimate;
  clearest_wins: Array<number>;
  clearest_losses: Array<number>;
  spent: Money | null;
  assumptions: Array<Assumption>;
  repeat: Repeat;
  waiting_for_people: number;
  trouble: string | null;
}

export type ChallengeSide = "challenger" | "incumbent";

/** Items by what became of them. `unjudged`: both answered, but no judge gave a usable judgment. */
export interface Tally {
  planned: number;
  asked: number;
  judged: number;
  won: number;
  tied: number;
  lost: number;
  diverged: number;
  failed: number;
  unjudged: number;
}

/**
 * The evidence after `n` observations (clusters): the win rate with its always-valid bounds, and how strong the evidence
 * for *switch* and for *do not switch* is, as log10 of the e-values.
 */
export interface Step {
  n: number;
  win_rate: number;
  low: number;
  high: number;
  switch: number;
  stay: number;
}

/** The win rate within one category. Not corrected for looking at several: for a hint, not for a verdict. */
export interface Share {
  category: string;
  items: number;
  win_rate: Estimate;
}

/**
 * One thing measured of both contestants. `difference` is challenger less incumbent, paired by item.
 *
 * `name`: cost_per_1000 (in units of `unit`, a currency), ttft_p50, ttft_p95, total_p50, total_p95 (ms), failure_rate,
 * refusal_rate, truncation_rate, schema_valid_rate, divergence_rate (shares), length (characters), output_tokens.
 * `better` is the direction that is better, null where neither is.
 */
export interface Metric {
  name: string;
  unit: string;
  challenger: Estimate;
  incumbent: Estimate;
  difference: Estimate;
  better: "higher" | "lower" | null;
}

/**
 * What is known of one judge. `judge`: a deployment, `program`, or a person's name.
 *
 * `order_effect`: share of decisive judgments for whichever answer stood first, less one half; for a model, that sees each pair in
 * both orders, `order_flips` is the share of pairs on which the order changed its mind. `length_effect`: log-odds per
 * doubling of length, with who wrote the answer held constant. `win_rate_at_equal_length` is what is left then.
 * `found` names the biases whose interval leaves out none: `order`, `length`. `warnings`: `judges_itself`.
 */
export interface JudgeNote {
  judge: string;
  kind: "human" | "model" | "program";
  decides: boolean;
  judgments: number;
  unparsed: number;
  failed: number;
  win_rate: Estimate;
  order_effect: Estimate;
  order_flips: Estimate;
  length_effect: Estimate;
  win_rate_at_equal_length: Estimate;
  found: Array<string>;
  warnings: Array<string>;
  cost: Money | null;
}

/** How often two judges chose alike on the same pairs (challenger, incumbent, neither), and Cohen's kappa. */
export interface Agreement {
  first: string;
  second: string;
  pairs: number;
  rate: Estimate;
  kappa: Estimate;
}

/** Something that the verdict takes for granted: a stable `code`, what is said of it, and numbers to say it with. */
export interface Assumption {
  code: string;
  text: string;
  values: Record<string, number | string>;
}

/** All that somebody needs to check and repeat it. `command` is for a terminal; hashes are SHA-256 in hex. */
export interface Repeat {
  command: string;
  seed: number;
  version: string;
  items_hash: string;
  rubric_hash: string | null;
  chain_head: string | null;
}

/** How a challenge stands now. */
export interface Progress {
  report: Report;
}

/** How a challenge stands, now that it runs no longer. */
export interface Concluded {
  report: Report;
}

/** One event of a challenge. */
export type ChallengeEvent =
  | ({ event: "progress" } & Progress)
  | ({ event: "end" } & Concluded);

/** With what to go on: a new `budget` in place of the one before, which includes what was spent. */
export interface Resumption {
  budget?: Money | null;
}

/** Some of the items that were asked; `next` is the `after` of the page after this one. */
export interface ItemPage {
  items: Array<ShownItem>;
  next: number | null;
}

/** An item in one line; `prompt` is the beginning of what was asked last. No answers: those who vote may read the list. */
export interface ShownItem {
  number: number;
  category: string;
  origin: string;
  outcome: ItemOutcome;
  score: number | null;
  prompt: string;
}

export type ItemOutcome = "won" | "tied" | "lost" | "diverged" | "failed" | "unjudged";

/** An item with both answers, to read side by side. A side is null until it has answered. */
export interface ReadItem {
  number: number;
  category: string;
  origin: string;
  outcome: ItemOutcome;
  score: number | null;
  prefix: Array<Message>;
  recorded: Array<Exchange>;
  sides: Record<ChallengeSide, ReadSide | null>;
  judgments: Array<ReadJudgment>;
}

/** One recorded step after the prefix: what was said then, and what the tools it called gave back (role `tool`). */
export interface Exchange {
  said: Message;
  results?: Array<Message>;
}

/** How a contestant fared on one item. `turns` is all that followed the prefix; the last is the answer. */
export interface ReadSide {
  name: string;
  ending: Ending;
  turns: Array<Message>;
  cost: Money | null;
  ttft_ms: number | null;
  total_ms: number | null;
  error: string | null;
  detail: string | null;
}

export type Ending = "answered" | "diverged" | "failed";

/** One judgment. `first` is the side that was shown first, `won` the side that it prefers; null where it gave no usable choice. */
export interface ReadJudgment {
  judge: string;
  kind: "human" | "model" | "program";
  first: ChallengeSide | null;
  won: "both_bad" | "challenger" | "incumbent" | "tie" | null;
  outcome: "error" | "ok" | "unparsed";
  reason: string;
}

/** Whom to invite. */
export interface NewPerson {
  name: string;
}

/** A link for one person, good until its guest is shown a first pair. `this_machine_only`: others cannot reach `url`. */
export interface Invitation {
  person: string;
  name: string;
  url: string;
  this_machine_only: boolean;
}

/** All who judge a challenge, in the order they came. */
export interface PeopleList {
  people: Array<Person>;
}

/** Somebody who judges. `invited`: their link was not used yet. `removed`: they may vote no more; what they cast stands. */
export interface Person {
  person: string;
  name: string;
  votes: number;
  invited: boolean;
  removed: boolean;
}

/**
 * How voting stands for one person. `open`: more pairs may come. `decides`: votes make the verdict here; elsewhere they
 * only check the judge.
 */
export interface Voting {
  name: string;
  open: boolean;
  decides: boolean;
  voted: number;
  waiting: number;
}

/**
 * Two answers to one item, in an order that a coin decided. `transcript` is what was asked, `a` and `b` what followed.
 *
 * `voted` counts this person's votes, `waiting` the pairs that wait for one, this one included.
 */
export interface ShownPair {
  number: number;
  transcript: Array<Message>;
  a: Array<Message>;
  b: Array<Message>;
  voted: number;
  waiting: number;
}

/** Which side was better. */
export interface Ballot {
  choice: Choice;
}

/** How many votes this person has cast, and how many pairs wait for one. */
export interface Voted {
  voted: number;
  waiting: number;
}
