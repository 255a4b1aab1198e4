import { once } from "node:events";
import WebSocket from "ws";
import { z } from "zod";
import type { Body } from "./apiClient.ts";

const Frame = z.looseObject({ type: z.string() });
export type Frame = z.infer<typeof Frame>;
const Changes = z.object({ changes: z.array(z.looseObject({ op: z.string() })) });

const WAIT_MS = 10_000;

/** A WebSocket as somebody opens it who knows the public API and nothing else. It keeps every frame that came. */
export interface ApiSocket {
  readonly ws: WebSocket;
  readonly frames: readonly Frame[];
  send(frame: object | string | Buffer): void;
  /** The first frame, among those that came and those that come within 10 s, that is meant. */
  frame(type: string, meant?: (frame: Frame) => boolean): Promise<Frame>;
  /** A command; resolves with its `ack` or `reject`. */
  command(name: string, payload: Body, id?: string): Promise<Frame>;
  /** All changes so far, in order. */
  changes(): (Body & { readonly op: string })[];
  change(op: string, meant?: (change: Body) => boolean): Promise<Body>;
  /** Resolves with the close code. */
  readonly closed: Promise<number>;
  /** The last cursor that came; undefined before. */
  cursor(): string | undefined;
  close(): Promise<void>;
}

let ids = 0;

export async function openSocket(url: string, options: WebSocket.ClientOptions = {}): Promise<ApiSocket> {
  const ws = new WebSocket(`${url.replace(/^http/, "ws")}/api/v1/realtime`, "scripta.v1", options);
  const frames: Frame[] = [];
  const waiting = new Set<() => void>();
  const woken = () => {
    for (const wake of waiting) wake();
  };
  ws.on("message", (data) => {
    frames.push(Frame.parse(JSON.parse(data.toString())));
    woken();
  });
  const closed = new Promise<number>((resolve) => ws.on("close", resolve));
  ws.on("error", () => undefined);
  await once(ws, "open");

  function found<T>(look: () => T | undefined, what: string): Promise<T> {
    const at = look();
    if (at !== undefined) return Promise.resolve(at);
    return new Promise((resolve, refuse) => {
      const wake = () => {
        const now = look();
        if (now === undefined) return;
        done();
        resolve(now);
      };
      const overdue = setTimeout(() => {
        done();
        refuse(new Error(`${what} did not come; what came: ${JSON.stringify(frames.slice(-10)).slice(0, 2_000)}`));
      }, WAIT_MS);
      const done = () => {
        clearTimeout(overdue);
        waiting.delete(wake);
      };
      waiting.add(wake);
    });
  }

  const changes = () => frames.flatMap((frame) => (frame.type === "changes" ? Changes.parse(frame).changes : []));
  const frame: ApiSocket["frame"] = (type, meant = () => true) =>
    found(() => frames.find((one) => one.type === type && meant(one)), `a frame ${type}`);
  const send: ApiSocket["send"] = (given) =>
    ws.send(typeof given === "string" || Buffer.isBuffer(given) ? given : JSON.stringify(given));
  return {
    ws,
    frames,
    send,
    frame,
    command(name, payload, id = `c${++ids}`) {
      const from = frames.length;
      send({ type: "command", id, name, payload });
      const answers = (one: Frame) => one.id === id && (one.type === "ack" || one.type === "reject");
      return found(() => frames.slice(from).find(answers), `an answer to ${name}`);
    },
    changes,
    change: (op, meant = () => true) =>
      found(() => changes().find((one) => one.op === op && meant(one)), `a change ${op}`),
    closed,
    cursor() {
      const last = frames.findLast(({ type, cursor }) => (type === "live" || type === "cursor") && cursor);
      return last && z.string().parse(last.cursor);
    },
    async close() {
      ws.close();
      await closed;
    },
  };
}

/** A socket that said hello and is live. */
export async function liveSocket(url: string, token: string, cursor?: string): Promise<ApiSocket> {
  const socket = await openSocket(url);
  socket.send({ type: "hello", token, ...(cursor === undefined ? {} : { cursor }) });
  await socket.frame("live");
  return socket;
}
