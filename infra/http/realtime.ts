import type { IncomingMessage } from "node:http";
import type { FastifyInstance } from "fastify";
import { WebSocketServer } from "ws";
import { type Rejection, reject } from "../../domain/rejection.ts";
import { SUBPROTOCOL } from "../../realtime/frames.ts";
import type { Gateway } from "../../realtime/gateway.ts";
import { ServedSocket } from "../../realtime/servedSocket.ts";
import type { AddressOf } from "./clientAddress.ts";
import { sendRejection } from "./refusal.ts";

const PATH = "/api/v1/realtime";
const MOST_SOCKETS = 15_000;
const MOST_FRAME_BYTES = 256 * 1024;
/** By then a socket without hello is closed. */
const HELLO_SECONDS = 5;

/** The WebSocket's route: only for the protocol, only from pages of ours, and never a token in the URL. */
export interface RealtimeRoute {
  /** Whether a request becomes a socket; what does not is answered as any other request. */
  mayUpgrade(request: IncomingMessage): boolean;
  addTo(app: FastifyInstance): void;
}

export function realtimeRoute(
  gateway: Gateway,
  allowedOrigins: readonly string[],
  addressOf: AddressOf,
): RealtimeRoute {
  const server = new WebSocketServer({
    noServer: true,
    WebSocket: ServedSocket,
    clientTracking: false,
    maxPayload: MOST_FRAME_BYTES,
    perMessageDeflate: false,
    handleProtocols: () => SUBPROTOCOL,
  });

  function refusalOf(request: IncomingMessage): Rejection | undefined {
    const { headers } = request;
    const { origin, upgrade, host } = headers;
    const protocols = (headers["sec-websocket-protocol"] ?? "").split(",").map((name) => name.trim());
    if (upgrade?.toLowerCase() !== "websocket" || !protocols.includes(SUBPROTOCOL))
      return reject("validation-failed", `open a WebSocket of the subprotocol ${SUBPROTOCOL}`);
    // Behind a proxy that ends TLS a page of ours has https where this server sees http.
    const own = [`http://${host}`, `https://${host}`];
    if (origin !== undefined && !own.includes(origin) && !allowedOrigins.includes(origin))
      return reject("forbidden", "this origin may not open a socket");
    if (gateway.size >= MOST_SOCKETS) return reject("unavailable", "too many sockets are open");
    if (gateway.crowded(addressOf(request)))
      return { ...reject("rate-limited", "too many sockets wait for their hello"), retryAfterSeconds: HELLO_SECONDS };
    return undefined;
  }

  return {
    mayUpgrade: (request) =>
      request.method === "GET" && request.url?.split("?")[0] === PATH && refusalOf(request) === undefined,
    addTo(app) {
      app.get(PATH, (request, reply) =>
        sendRejection(reply, refusalOf(request.raw) ?? reject("validation-failed", "open a WebSocket")),
      );
      // Nothing of the request stays with the socket: of ten thousand that are idle it would be most of their memory.
      app.server.on("upgrade", (request, socket, head) => {
        const { socket: own } = request;
        const address = addressOf(request);
        server.handleUpgrade(request, socket, head, (ws) => gateway.connected(ws, own, address));
      });
    },
  };
}
