/** Limits and scopes in words, for a line in a list. */

import { count } from "../../lib/format.ts";
import { protocolTitle } from "../../lib/protocols.ts";
import type { ShownLimits, ShownScopes } from "../../lib/types.ts";
import { language, t } from "../../lib/words.svelte.ts";

export function limitsInWords(limits: ShownLimits): string[] {
  const { requests_per_minute: requests, tokens_per_minute: tokens, concurrent } = limits;
  const said = (number: number) => count(number, language());
  return [
    ...(typeof requests === "number" ? [t("limits.said.requests", { n: said(requests) })] : []),
    ...(typeof tokens === "number" ? [t("limits.said.tokens", { n: said(tokens) })] : []),
    ...(typeof concurrent === "number" ? [t("limits.said.concurrent", { n: said(concurrent) })] : []),
  ];
}

export function scopesInWords(scopes: ShownScopes): string[] {
  return [
    ...(scopes.models.length > 0 ? [t("scopes.said.models", { names: scopes.models.join(", ") })] : []),
    ...(scopes.protocols.length > 0 ? [t("scopes.said.protocols", { names: scopes.protocols.map(protocolTitle).join(", ") })] : []),
    ...(scopes.addresses.length > 0 ? [t("scopes.said.addresses", { names: scopes.addresses.join(", ") })] : []),
  ];
}
