import { WebSocket } from "ws";

const CLOSED_WITHIN_MS = 2_000;

interface Listener {
  received(data: unknown, isBinary: boolean): void;
  heard(): void;
  closed(): void;
}

/** A socket of the server's. All share their handlers: closures of its own would take each half a kilobyte. */
export class ServedSocket extends WebSocket {
  listener: Listener | undefined;

  tell(listener: Listener): void {
    this.listener = listener;
    this.on("message", onMessage).on("pong", onPong).on("close", onClose).on("error", onError);
  }
}

function onMessage(this: WebSocket, data: unknown, isBinary: boolean): void {
  if (this instanceof ServedSocket) this.listener?.received(data, isBinary);
}

function onPong(this: WebSocket): void {
  if (this instanceof ServedSocket) this.listener?.heard();
}

function onClose(this: WebSocket): void {
  if (this instanceof ServedSocket) this.listener?.closed();
}

/** Its close code is on its way: a client that is still sending would not get it past a connection that is reset. */
function onError(this: WebSocket): void {
  if (this instanceof ServedSocket) this.listener?.closed();
  setTimeout(() => this.terminate(), CLOSED_WITHIN_MS).unref();
}
