import type { ClientFrame, ServerFrame } from "./contract.ts";

export interface Socket {
  /** False: it is not open, nothing was sent. */
  send(frame: ClientFrame): boolean;
  close(): void;
}

export interface SocketEvents {
  readonly onOpen: () => void;
  readonly onFrame: (frame: ServerFrame) => void;
  /** Exactly once, and nothing after it. 1006: the connection broke, or was silent for too long. */
  readonly onClose: (code: number) => void;
}

/** Milliseconds of silence after which a ping is sent; of twice as many the connection counts as dead. */
const SILENCE_MS = 10_000;
const OPEN_TIMEOUT_MS = 15_000;
export const SUBPROTOCOL = "scripta.v1";

/** One WebSocket to the realtime route. A browser shows no pings of the server's, so silence is asked for a pong. */
export function openSocket(baseUrl: string, { onOpen, onFrame, onClose }: SocketEvents): Socket {
  const url = new URL(`${baseUrl.replace(/\/+$/, "")}/api/v1/realtime`);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  const socket = new WebSocket(url, SUBPROTOCOL);
  let heardAt = Date.now();
  let over = false;

  const end = (code: number) => {
    if (over) return;
    over = true;
    clearTimeout(opening);
    clearInterval(heartbeat);
    socket.close();
    onClose(code);
  };
  const send = (frame: ClientFrame): boolean => {
    if (over || socket.readyState !== WebSocket.OPEN) return false;
    socket.send(JSON.stringify(frame));
    return true;
  };
  const opening = setTimeout(() => end(1006), OPEN_TIMEOUT_MS);
  const heartbeat = setInterval(() => {
    const silentMs = Date.now() - heardAt;
    if (silentMs > 2 * SILENCE_MS) end(1006);
    else if (silentMs > SILENCE_MS) send({ type: "ping" });
  }, SILENCE_MS / 2);

  socket.addEventListener("open", () => {
    clearTimeout(opening);
    heardAt = Date.now();
    if (!over) onOpen();
  });
  socket.addEventListener("message", ({ data }) => {
    heardAt = Date.now();
    const frame = over ? undefined : parseFrame(data);
    if (frame) onFrame(frame);
  });
  socket.addEventListener("close", ({ code }) => end(code));
  socket.addEventListener("error", () => end(1006));
  return { send, close: () => end(1000) };
}

/** The boundary: the server is trusted for the shape that the contract promises. What is no frame is passed over. */
function parseFrame(data: unknown): ServerFrame | undefined {
  if (typeof data !== "string") return undefined;
  const frame = JSON.parse(data);
  return typeof frame?.type === "string" ? frame : undefined;
}
