/** What a run will come to, as far as that can be told before it. */

import type { Money, PriceTag, ShownTask, Typical } from "../../../lib/types.ts";

const MTOK = 1e6;

/** How many times the model is asked; null where the number of questions is not known yet. */
export function timesAsked({ questions, samples }: Pick<ShownTask, "questions" | "samples">, chosen: { limit: number | null; samples: number | null }): number | null {
  const asked = chosen.limit === null ? questions : Math.min(chosen.limit, questions ?? chosen.limit);
  return asked === null ? null : asked * (chosen.samples ?? samples);
}

/** The cost of so many samples at this price, were they like those that were run before. */
export function costOf(times: number, { input_tokens, output_tokens }: Typical, price: PriceTag): Money {
  const each = (input_tokens * price.input + output_tokens * price.output) / MTOK;
  return { nano: Math.round(times * each), currency: price.currency };
}
