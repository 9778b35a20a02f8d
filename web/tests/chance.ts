/** Seeded randomness, so that a failure can be seen again. */

export interface Chance {
  upTo: (n: number) => number;
  pick: <T>(from: readonly T[]) => T;
  pieces: (text: string, longest: number) => string[];
}

export function chance(seed: number): Chance {
  let state = seed >>> 0;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const upTo = (n: number) => Math.floor(next() * n);
  return {
    upTo,
    pick: (from) => from[upTo(from.length)] as (typeof from)[number],
    pieces(text, longest) {
      const found: string[] = [];
      for (let at = 0; at < text.length; ) {
        const size = 1 + upTo(longest);
        found.push(text.slice(at, at + size));
        at += size;
      }
      return found;
    },
  };
}
