import { Duplex } from "node:stream";
import { describe, expect, test, vi } from "vitest";
import { MOST_WAITING_BYTES, Outgoing } from "./outgoing.ts";

/** A socket whose reader reads only when it is told to. */
function slowSocket() {
  const written: Buffer[] = [];
  let release: (() => void) | undefined;
  const socket = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      written.push(chunk);
      release = done;
    },
  });
  return { socket, written, read: () => release?.() };
}

describe("what goes out of a socket", () => {
  test("is gathered for a moment and written together, in order", async () => {
    const { socket, written } = slowSocket();
    const out = new Outgoing(socket, () => {});
    out.send(Buffer.from("one "));
    out.send(Buffer.from("two "));
    out.send(Buffer.from("three"));
    expect(written).toEqual([]);
    await vi.waitFor(() => expect(Buffer.concat(written).toString()).toBe("one two three"));
    expect(written).toHaveLength(1);
  });

  test("is bounded: a reader that is too slow is told of, once, and nothing more is kept for it", () => {
    const { socket } = slowSocket();
    const tooSlow = vi.fn();
    const out = new Outgoing(socket, tooSlow);
    const frame = Buffer.alloc(64 * 1024);
    for (let sent = 0; sent <= 2 * MOST_WAITING_BYTES; sent += frame.length) {
      out.send(frame);
      out.flush();
    }
    expect(tooSlow).toHaveBeenCalledTimes(1);
    expect(socket.writableLength).toBeLessThanOrEqual(MOST_WAITING_BYTES);
  });

  test("can be waited for, and the wait ends with the socket", async () => {
    const { socket, read } = slowSocket();
    const out = new Outgoing(socket, () => {});
    out.send(Buffer.alloc(256 * 1024));
    let drained = false;
    const waiting = out.drained().then(() => {
      drained = true;
    });
    await Promise.resolve();
    expect(drained).toBe(false);
    read();
    await waiting;
    out.send(Buffer.alloc(256 * 1024));
    const again = out.drained();
    socket.destroy();
    await again;
  });
});
