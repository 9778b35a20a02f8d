/** Where the attempts of a request lie in time, and how an answer grew. Times are microseconds from the start of the first attempt. */

import { ticks } from "d3-array";

import type { ShownCall } from "../../../lib/types.ts";

/** One attempt: when it began, when content began (null: never, or all at once at the end), and when it ended. */
export interface Span {
  call: ShownCall;
  start: number;
  first: number | null;
  end: number;
}

export function spans(attempts: readonly ShownCall[]): Span[] {
  const zero = Math.min(...attempts.map(({ at }) => Date.parse(at)));
  return attempts.map((call) => {
    const start = (Date.parse(call.at) - zero) * 1000;
    return { call, start, first: call.ttft_us === null ? null : start + call.ttft_us, end: start + call.duration_us };
  });
}

/** How long the whole picture is; never nothing, so that it can be divided by. */
export function lengthOf(all: readonly Span[]): number {
  return Math.max(1, ...all.map(({ end }) => end));
}

/** Round times along the axis, the end left free for its own label. */
export function marks(length: number): number[] {
  return ticks(0, length, 5).filter((at) => at > 0 && at < length * 0.94);
}

/**
 * The share of the bytes that had come, as a stepped area within `width` by `height`: from `first` on the left to `end` on
 * the right. Empty where there is nothing to draw.
 */
export function growth(call: ShownCall, width: number, height: number): string {
  const from = call.ttft_us ?? 0;
  const length = call.duration_us - from;
  const all = call.timeline.at(-1)?.[1] ?? 0;
  if (call.timeline.length < 2 || length <= 0 || all <= 0) return "";
  const x = (at: number) => round(clamp((at - from) / length) * width);
  const y = (bytes: number) => round(height - (bytes / all) * height);
  const steps = call.timeline.map(([at, bytes]) => `H${x(at)}V${y(bytes)}`);
  return `M0 ${height}${steps.join("")}H${width}V${height}Z`;
}

/** Tokens a second after the first content, as the board counts them; null where that says nothing. */
export function rate({ usage, ttft_us, duration_us }: ShownCall): number | null {
  const tokens = usage ? produced(usage) : 0;
  return ttft_us !== null && duration_us > ttft_us && tokens > 0 ? (tokens / (duration_us - ttft_us)) * 1e6 : null;
}

type Usage = NonNullable<ShownCall["usage"]>;

/** Every token that went in, cached or not. */
export function taken({ input = 0, cache_read = 0, cache_write_5m = 0, cache_write_1h = 0, audio_input = 0, image_input = 0 }: Usage): number {
  return input + cache_read + cache_write_5m + cache_write_1h + audio_input + image_input;
}

/** Every token that came out, shown or thought. */
export function produced({ output = 0, reasoning = 0, audio_output = 0, image_output = 0 }: Usage): number {
  return output + reasoning + audio_output + image_output;
}

const clamp = (share: number) => Math.min(1, Math.max(0, share));
const round = (value: number) => Math.round(value * 100) / 100;
