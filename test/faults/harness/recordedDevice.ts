import WebSocket from "ws";
import { z } from "zod";
import type { CommandName } from "../../../clients/sdk/contract.ts";
import { Change } from "../../../read-api/shapes.ts";
import { deviceState } from "../../support/deviceState.ts";
import type { Attempt, Device } from "../checker/history.ts";
import { askedOf, type Identity, isFinal, okOf, seenOf } from "./actor.ts";
import type { Outcome, Recorder } from "./recorder.ts";

const Frame = z.looseObject({ type: z.string(), id: z.string().optional(), code: z.string().optional() });
type Frame = z.infer<typeof Frame>;
const Changes = z.object({ position: z.int(), changes: z.array(Change) });
const Cursor = z.object({ cursor: z.string() });

const ANSWER_MS = 20_000;

/**
 * A device that keeps itself up over one socket after another, by the contract alone, and takes down what comes.
 * It resumes from its last cursor; `connect` again after each loss.
 */
export function recordedDevice(recorder: Recorder, { userId, token }: Identity, name: string) {
  const state = deviceState(userId);
  const waiting = new Map<string, (frame: Frame) => void>();
  let ws: WebSocket | undefined;
  let cursor: string | undefined;
  let sockets = 0;
  let resets = 0;
  let isLive = false;
  let closeCode: number | undefined;
  let connecting: Promise<boolean> | undefined;

  function take(reader: string, frame: Frame): void {
    switch (frame.type) {
      case "reset":
        resets++;
        return state.reset();
      case "cursor":
        cursor = Cursor.parse(frame).cursor;
        return;
      case "ack":
      case "reject":
        waiting.get(frame.id ?? "")?.(frame);
        return;
      case "changes": {
        const { position, changes } = Changes.parse(frame);
        for (const change of changes) note(reader, position, change);
        state.apply(changes);
      }
    }
  }

  function note(reader: string, position: number, change: Change): void {
    if (change.op === "me" || change.op === "user") return;
    const { conversationId } = change;
    const where = { reader, userId, conversationId, at: recorder.moment(), position, live: isLive };
    if (change.op === "message") recorder.sightings.push({ ...where, op: "message", ...seenOf(change.message) });
    else if (change.op === "receipt") {
      const { read, delivered, userId: of } = change;
      recorder.sightings.push({ ...where, op: "receipt", of, read, delivered });
    } else recorder.sightings.push({ ...where, op: change.op === "left" ? "left" : "other" });
  }

  function open(url: string): Promise<boolean> {
    ws?.terminate();
    const reader = `${name}, socket ${++sockets}`;
    const socket = new WebSocket(`${url.replace(/^http/, "ws")}/api/v1/realtime`, "scripta.v1", {
      handshakeTimeout: ANSWER_MS,
    });
    ws = socket;
    closeCode = undefined;
    return new Promise((resolve) => {
      const overdue = setTimeout(() => socket.terminate(), ANSWER_MS);
      socket.on("open", () =>
        socket.send(JSON.stringify({ type: "hello", token, ...(cursor === undefined ? {} : { cursor }) })),
      );
      socket.on("message", (data) => {
        if (ws !== socket) return;
        const frame = Frame.parse(JSON.parse(data.toString()));
        take(reader, frame);
        if (frame.type !== "live") return;
        cursor = Cursor.parse(frame).cursor;
        isLive = true;
        clearTimeout(overdue);
        resolve(true);
      });
      socket.on("error", () => undefined);
      socket.on("close", (code) => {
        clearTimeout(overdue);
        resolve(false);
        if (ws !== socket) return;
        isLive = false;
        closeCode = code;
        for (const answer of waiting.values()) answer({ type: "closed" });
      });
    });
  }

  return {
    name,
    userId,
    state,
    resets: () => resets,
    cursor: () => cursor,
    live: () => isLive,
    /** The code of its last close; undefined while it is open. */
    closeCode: () => closeCode,
    /** The socket itself, to be slow with. */
    socket: () => ws,
    /** Resolves to true once it is live, to false where the server is not to be had. */
    connect(url: string): Promise<boolean> {
      connecting ??= open(url).finally(() => {
        connecting = undefined;
      });
      return connecting;
    },
    command(commandName: CommandName, payload: object, commandId: string): Promise<Attempt> {
      return recorder.attempt(askedOf(userId, commandName, payload, commandId), async (): Promise<Outcome> => {
        const socket = ws;
        if (socket?.readyState !== WebSocket.OPEN) return { outcome: "unknown", code: "not connected" };
        const answered = new Promise<Frame>((resolve) => {
          waiting.set(commandId, resolve);
          setTimeout(() => resolve({ type: "late" }), ANSWER_MS).unref();
        });
        socket.send(JSON.stringify({ type: "command", id: commandId, name: commandName, payload }));
        const frame = await answered;
        waiting.delete(commandId);
        if (frame.type === "ack") return okOf(frame);
        const { code = frame.type } = frame;
        return frame.type === "reject" && isFinal(code) ? { outcome: "failed", code } : { outcome: "unknown", code };
      });
    },
    /** What it holds, for the checker. */
    holding: (): Device => ({
      ...{ reader: name, userId },
      conversations: [...state.conversations].map(([conversationId, { floor, unread, messages }]) => ({
        ...{ conversationId, floor, unread: unread.unread },
        messages: [...messages.values()].map(seenOf),
      })),
    }),
    close(): void {
      isLive = false;
      ws?.terminate();
    },
  };
}

export type RecordedDevice = ReturnType<typeof recordedDevice>;
