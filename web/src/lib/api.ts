/** The one way to the server: typed JSON, problem JSON as `Problem`, and streams of events. */

import { readEvents } from "./events.ts";
import type { BattleEvent, Problem as ProblemBody } from "./types.ts";

const ROOT = "/api/v1";

/** What went wrong, why, and the way out, as the server (or this page) says it. */
export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly hint: string | null;
  readonly param: string | null;

  constructor(body: Omit<ProblemBody, "type" | "title">) {
    super(body.detail);
    this.name = "Problem";
    this.status = body.status;
    this.code = body.code;
    this.hint = body.hint ?? null;
    this.param = body.param ?? null;
  }
}

/** Told whenever the server says that nobody is signed in. */
let onSignedOut: () => void = () => {};

export function whenSignedOut(tell: () => void): void {
  onSignedOut = tell;
}

export const get = <T>(path: string, signal?: AbortSignal) => json<T>("GET", path, undefined, signal);
export const post = <T>(path: string, body?: unknown, signal?: AbortSignal) => json<T>("POST", path, body, signal);
export const put = <T>(path: string, body: unknown) => json<T>("PUT", path, body);
export const patch = <T>(path: string, body: unknown) => json<T>("PATCH", path, body);
export const remove = <T>(path: string) => json<T>("DELETE", path);

async function json<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  const response = await send(method, path, body, "application/json", signal);
  if (response.status === 204) return undefined as T;
  try {
    return (await response.json()) as T;
  } catch (error) {
    throw unreadable(error);
  }
}

/** Posts, and reads the answer as a battle's events until the server closes it. */
export const battleEvents = (path: string, body: unknown, signal: AbortSignal) => events<BattleEvent>("POST", path, body, signal);

/** Follows what happens at `path` until the server closes the stream. */
export const follow = <T>(path: string, signal: AbortSignal) => events<T>("GET", path, undefined, signal);

async function* events<T>(method: string, path: string, body: unknown, signal: AbortSignal): AsyncGenerator<T> {
  const response = await send(method, path, body, "text/event-stream", signal);
  if (!response.body) throw unreadable(null);
  for await (const { event, data } of readEvents(response.body)) {
    yield { event, ...(data ? (JSON.parse(data) as object) : {}) } as T;
  }
}

async function send(method: string, path: string, body: unknown, accept: string, signal?: AbortSignal): Promise<Response> {
  const init: RequestInit = { method, headers: { accept }, cache: "no-store", credentials: "same-origin" };
  if (body !== undefined) {
    init.headers = { accept, "content-type": "application/json" };
    init.body = JSON.stringify(body);
  }
  if (signal) init.signal = signal;
  let response: Response;
  try {
    response = await fetch(ROOT + path, init);
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Problem({ status: 0, code: "page.unreachable", detail: "The server does not answer." });
  }
  if (response.ok) return response;
  const problem = await readProblem(response);
  if (response.status === 401 && problem.code === "login.needed") onSignedOut();
  throw problem;
}

async function readProblem(response: Response): Promise<Problem> {
  try {
    const body = (await response.json()) as Partial<ProblemBody>;
    if (typeof body.detail === "string" && typeof body.code === "string") {
      return new Problem({ ...body, status: response.status } as ProblemBody);
    }
  } catch {
    // Not problem JSON: something between the page and the server answered.
  }
  return new Problem({ status: response.status, code: "page.strange_answer", detail: `HTTP ${response.status} ${response.statusText}` });
}

function unreadable(error: unknown): Problem {
  return new Problem({ status: 0, code: "page.strange_answer", detail: String(error ?? "") });
}

/** Anything thrown, as a `Problem`. */
export function asProblem(error: unknown): Problem {
  return error instanceof Problem ? error : new Problem({ status: 0, code: "page.defect", detail: String(error) });
}
