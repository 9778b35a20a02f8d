/** One scale for every whisker of a board, and which rows a reader cannot tell from another. */

import { extent } from "d3-array";
import { scaleLinear } from "d3-scale";

import type { BoardRow } from "../../lib/types.ts";

export type Rated = BoardRow & { rating: number; low: number; high: number; rank: number; rank_low: number; rank_high: number };

export function isRated(row: BoardRow): row is Rated {
  return row.rating !== null && row.low !== null && row.high !== null && row.rank !== null;
}

export interface Scale {
  /** Where a rating stands, in percent of the width. */
  at: (rating: number) => number;
  ticks: number[];
}

/** `marks`: about how many ticks there is room for. */
export function sharedScale(rows: readonly Rated[], marks = 5): Scale {
  const [low = 900, high = 1100] = extent(rows.flatMap((row) => [row.low, row.high])) as [number, number] | [undefined, undefined];
  const room = Math.max(high - low, 20) * 0.04;
  const scale = scaleLinear([low - room, high + room], [0, 100]);
  return { at: (rating) => scale(rating), ticks: scale.ticks(marks) };
}

/** Whether the vote has not settled which of the two is better: one stands inside the other's rank range. */
export function unsettled(one: Rated, other: Rated): boolean {
  return (other.rank >= one.rank_low && other.rank <= one.rank_high) || (one.rank >= other.rank_low && one.rank <= other.rank_high);
}

/** Where the band lies while no row is in hand: on the highest row that shares its place with another. */
export function firstUnsettled(rows: readonly Rated[]): Rated | undefined {
  const byRank = [...rows].sort((one, other) => one.rank - other.rank);
  return byRank.find((row) => row.rank_low !== row.rank_high) ?? byRank[0];
}

/** Ranks after which everything above is settled against everything below. */
export function settledBreaks(rows: readonly Rated[]): Set<number> {
  const byRank = [...rows].sort((one, other) => one.rank - other.rank);
  const breaks = new Set<number>();
  let reach = 0;
  byRank.forEach((row, at) => {
    reach = Math.max(reach, row.rank_high);
    if (reach <= at + 1 && at + 1 < byRank.length) breaks.add(row.rank);
  });
  return breaks;
}

export type Column = "rank" | "model" | "rating" | "votes" | "price" | "speed";

const VALUE: Record<Column, (row: BoardRow) => number | string | null> = {
  rank: (row) => row.rank,
  model: (row) => row.title.toLocaleLowerCase(),
  rating: (row) => row.rating,
  votes: (row) => row.votes,
  price: (row) => row.price && row.price.output,
  speed: (row) => row.tokens_per_s_p50,
};

/** Rows by one column; those without a value stand last either way. */
export function sorted<T extends BoardRow>(rows: readonly T[], column: Column, descending: boolean): T[] {
  const value = VALUE[column];
  return [...rows].sort((one, other) => {
    const [left, right] = [value(one), value(other)];
    if (left === null || right === null) return Number(left === null) - Number(right === null);
    const order = typeof left === "string" ? left.localeCompare(String(right)) : left - Number(right);
    return (descending ? -order : order) || (one.rank ?? 0) - (other.rank ?? 0);
  });
}
