/** Server-sent events from a byte stream (WHATWG HTML, section 9.2): fields, comments, CRLF, any chunking. */

export interface ServerEvent {
  event: string;
  data: string;
}

export async function* readEvents(stream: ReadableStream<Uint8Array>): AsyncGenerator<ServerEvent> {
  const decoder = new TextDecoder();
  const lines = new LineBuffer();
  const reader = stream.getReader();
  let event: ServerEvent = { event: "message", data: "" };
  let named = false;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      for (const line of lines.feed(decoder.decode(value, { stream: true }))) {
        if (line === "") {
          if (named || event.data) yield event;
          event = { event: "message", data: "" };
          named = false;
          continue;
        }
        const [field, text] = parseField(line);
        if (field === "event") {
          event.event = text;
          named = true;
        } else if (field === "data") event.data += event.data ? `\n${text}` : text;
      }
    }
  } finally {
    reader.cancel().catch(() => {
      // The stream broke before; that was already told.
    });
  }
}

function parseField(line: string): [string, string] {
  const colon = line.indexOf(":");
  if (colon < 0) return [line, ""];
  return [line.slice(0, colon), line.slice(colon + 1).replace(/^ /, "")];
}

/** Complete lines ended by LF, CRLF or CR; a CR at the end of a chunk waits for its LF. */
class LineBuffer {
  #rest = "";

  feed(text: string): string[] {
    const all = this.#rest + text;
    const held = all.endsWith("\r") ? all.slice(0, -1) : all;
    const lines = held.split(/\r\n|\n|\r/);
    this.#rest = (lines.pop() ?? "") + (all.length > held.length ? "\r" : "");
    return lines;
  }
}
