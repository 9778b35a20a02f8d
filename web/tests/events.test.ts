import { expect, test } from "vitest";

import { readEvents, type ServerEvent } from "../src/lib/events.ts";
import { chance } from "./chance.ts";

const STREAM = 'event: battle\ndata: {"id":"x","token":"é𠀋"}\n\n: heartbeat\n\nevent: begun\r\ndata: {}\r\n\r\nevent: tick\rdata: {"a":"event: end\\n\\n"}\r\rdata: two\ndata: lines\n\nevent: end\ndata: {}\n\n';
const EVENTS: ServerEvent[] = [
  { event: "battle", data: '{"id":"x","token":"é𠀋"}' },
  { event: "begun", data: "{}" },
  { event: "tick", data: '{"a":"event: end\\n\\n"}' },
  { event: "message", data: "two\nlines" },
  { event: "end", data: "{}" },
];

async function read(chunks: Uint8Array[]): Promise<ServerEvent[]> {
  const found: ServerEvent[] = [];
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });
  for await (const event of readEvents(stream)) found.push(event);
  return found;
}

test("events are the same in any chunking of the bytes", async () => {
  const bytes = new TextEncoder().encode(STREAM);
  for (let seed = 1; seed <= 100; seed++) {
    const random = chance(seed);
    const chunks: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; ) {
      const size = 1 + random.upTo(9);
      chunks.push(bytes.slice(at, at + size));
      at += size;
    }
    expect(await read(chunks), `seed ${seed}`).toEqual(EVENTS);
  }
});

test("an event that was never ended is not told", async () => {
  expect(await read([new TextEncoder().encode("event: end\ndata: {}\n")])).toEqual([]);
});
