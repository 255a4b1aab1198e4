import { WebSocket } from "ws";

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

function onError(this: WebSocket): void {
  this.terminate();
}
