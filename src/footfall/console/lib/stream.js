// A live stream: server-sent events through fetch, which can carry the token.
//
// EventSource cannot send a token. As there, a message's id is the position in the log; a
// connection that broke goes on after the last one, without a gap or a repeat.

import { Problem, SignedOut, request } from "/console/lib/api.js";

const WAIT_MIN_MS = 1_000;
const WAIT_MAX_MS = 30_000;

/** Cuts a stream's text into messages; lines may come in any pieces. */
export class MessageParser {
  #rest = "";
  #fields = {};

  /** Takes text; yields {id, event, data}, where only an id means a position alone. */
  *take(text) {
    const lines = (this.#rest + text).split(/\r\n|\n|\r/);
    this.#rest = lines.pop();
    for (const line of lines) {
      if (line === "") {
        if (Object.keys(this.#fields).length) yield this.#fields;
        this.#fields = {};
        continue;
      }
      const [, name, value] = /^([^:]*):? ?(.*)$/s.exec(line);
      if (name === "data" && this.#fields.data !== undefined) this.#fields.data += `\n${value}`;
      else if (name === "data" || name === "id" || name === "event") this.#fields[name] = value;
    }
  }
}

/** Follows a log until `signal` aborts.
 *
 * `onMessage` gets each message with data and its position; `onState` gets "live",
 * "waiting" or a Problem that no further attempt can mend.
 */
export async function follow(path, { signal, onMessage, onState }) {
  let position = null;
  let wait = WAIT_MIN_MS;
  while (!signal.aborted) {
    try {
      const headers = position === null ? {} : { "Last-Event-ID": position };
      const answer = await request(path, { signal, headers });
      onState("live");
      for await (const message of messagesOf(answer.body)) {
        wait = WAIT_MIN_MS;
        if (message.id !== undefined) position = message.id;
        if (message.data !== undefined) onMessage(message.data, position);
      }
    } catch (error) {
      if (signal.aborted || error instanceof SignedOut) return;
      const isFinal = error instanceof Problem && [403, 404, 409].includes(error.status);
      if (isFinal) {
        onState(error);
        return;
      }
    }
    if (signal.aborted) return;
    onState("waiting");
    await pause(wait, signal);
    wait = Math.min(wait * 2, WAIT_MAX_MS);
  }
}

async function* messagesOf(body) {
  const parser = new MessageParser();
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      yield* parser.take(value);
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

function pause(milliseconds, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
