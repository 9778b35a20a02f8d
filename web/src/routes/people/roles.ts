import type { AccountRole } from "../../lib/types.ts";

/** From the smallest to the greatest. */
export const ROLES: readonly AccountRole[] = ["viewer", "member", "admin"];
