import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** A WebSocket that costs its process as little as can be: frames are found in what arrives, and given out undecoded. */
export interface Listener {
  /** Gets each text frame's payload; it is only valid within the call. */
  onText: (payload: Buffer) => void;
  onClose: () => void;
  send(text: string): void;
  close(): void;
}

const [TEXT, CLOSE, PING, PONG] = [1, 8, 9, 10];

/** Opens one, says hello, and resolves when the server has said `live`. */
export async function openListener(url: string, hello: object, protocol?: string): Promise<Listener> {
  const { hostname, port, pathname } = new URL(url);
  const socket = connect(Number(port), hostname);
  await once(socket, "connect");
  socket.setNoDelay(true);
  socket.write(
    [
      `GET ${pathname} HTTP/1.1`,
      `Host: ${hostname}:${port}`,
      "Connection: Upgrade",
      "Upgrade: websocket",
      "Sec-WebSocket-Version: 13",
      `Sec-WebSocket-Key: ${randomBytes(16).toString("base64")}`,
      ...(protocol ? [`Sec-WebSocket-Protocol: ${protocol}`] : []),
      "\r\n",
    ].join("\r\n"),
  );
  const listener: Listener = {
    onText: () => {},
    onClose: () => {},
    send: (text) => socket.write(frame(TEXT, Buffer.from(text))),
    close: () => socket.destroy(),
  };
  await new Promise<void>((resolve, reject) => {
    listener.onClose = () => reject(new Error("the socket was closed"));
    listener.onText = (payload) => {
      if (payload.includes('"live"')) resolve();
    };
    read(socket, listener);
    listener.send(JSON.stringify(hello));
  });
  return listener;
}

function read(socket: Socket, listener: Listener): void {
  let rest: Buffer = Buffer.alloc(0);
  let upgraded = false;
  socket.on("error", () => listener.onClose());
  socket.on("close", () => listener.onClose());
  socket.on("data", (chunk) => {
    let bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    if (!upgraded) {
      const end = bytes.indexOf("\r\n\r\n");
      if (end < 0) {
        rest = bytes;
        return;
      }
      if (!bytes.subarray(0, end).toString().startsWith("HTTP/1.1 101")) {
        socket.destroy();
        return;
      }
      upgraded = true;
      bytes = bytes.subarray(end + 4);
    }
    let at = 0;
    while (bytes.length - at >= 2) {
      const short = (bytes[at + 1] ?? 0) & 0x7f;
      const header = short < 126 ? 2 : short === 126 ? 4 : 10;
      if (bytes.length - at < header) break;
      const length =
        short < 126 ? short : short === 126 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2));
      const end = at + header + length;
      if (bytes.length < end) break;
      const opcode = (bytes[at] ?? 0) & 0x0f;
      const payload = bytes.subarray(at + header, end);
      if (opcode === TEXT) listener.onText(payload);
      else if (opcode === PING) socket.write(frame(PONG, payload));
      else if (opcode === CLOSE) socket.destroy();
      at = end;
    }
    rest = bytes.subarray(at);
  });
}

/** A client's frame, masked with zeros. @see RFC 6455 §5.2 */
function frame(opcode: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(payload.length < 126 ? 6 : 8);
  header[0] = 0x80 | opcode;
  header[1] = 0x80 | Math.min(payload.length, 126);
  if (payload.length >= 126) header.writeUInt16BE(payload.length, 2);
  return Buffer.concat([header, payload]);
}
