/** Who is here, and what the server told the page about itself. */

import { asProblem, get, whenSignedOut, type Problem } from "./api.ts";
import type { AccountRole, SessionState } from "./types.ts";

const now = $state<{ session: SessionState | null; problem: Problem | null }>({ session: null, problem: null });

export function session(): SessionState | null {
  return now.session;
}

export function sessionProblem(): Problem | null {
  return now.problem;
}

const RANKS: Record<AccountRole, number> = { viewer: 1, member: 2, admin: 3 };

/** Whether whoever is here may do what takes `role`; what they may not is not offered. */
export function may(role: AccountRole): boolean {
  return RANKS[now.session?.user?.role ?? "viewer"] >= RANKS[role];
}

export async function loadSession(): Promise<void> {
  try {
    now.session = await get<SessionState>("/session");
    now.problem = null;
  } catch (error) {
    now.problem = asProblem(error);
  }
}

whenSignedOut(() => {
  if (now.session) now.session = { ...now.session, signed_in: false };
});
