/** Gives each frame to one answer at a time, and rests an answer whose step took long, so that frames are kept. */

import type { Answer } from "./answer.ts";

/** Of the time since an answer's last step, at most this share is spent in its next one. */
const SHARE = 0.3;

const waiting = new Map<Answer, { notBefore: number }>();
let running = false;

/** Steps `answer` on coming frames until it is no longer busy. */
export function pace(answer: Answer): void {
  if (!waiting.has(answer)) waiting.set(answer, { notBefore: 0 });
  answer.onstale = () => pace(answer);
  if (running) return;
  running = true;
  requestAnimationFrame(frame);
}

export function leave(answer: Answer): void {
  waiting.delete(answer);
  answer.onstale = () => {};
}

function frame(now: number): void {
  for (const [answer, turn] of waiting) {
    if (turn.notBefore > now) continue;
    waiting.delete(answer);
    if (!answer.busy) continue;
    const before = performance.now();
    answer.step();
    const took = performance.now() - before;
    waiting.set(answer, { notBefore: now + took / SHARE });
    break;
  }
  running = waiting.size > 0;
  if (running) requestAnimationFrame(frame);
}
