/** How long a reader needs at the least before a vote can mean something. */

const LEAST_MS = 1_200;
const MOST_MS = 3_000;
/** A quick skimmer: 60 letters a second; a Chinese character carries about three letters' worth. */
const LETTERS_PER_MS = 0.06;

export function readingTime(a: string, b: string): number {
  return Math.min(MOST_MS, Math.max(LEAST_MS, (weight(a) + weight(b)) / LETTERS_PER_MS));
}

function weight(text: string): number {
  const start = text.slice(0, 400);
  const ideographs = start.match(/\p{Script=Han}/gu)?.length ?? 0;
  return start.length + 2 * ideographs;
}
