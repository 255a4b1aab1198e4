import type { FastifyInstance } from "fastify";
import { reject } from "../../domain/rejection.ts";
import { SUBPROTOCOL } from "../../realtime/frames.ts";
import type { Gateway } from "../../realtime/gateway.ts";
import { sendRejection } from "./refusal.ts";

const MOST_SOCKETS = 15_000;

/** The WebSocket's route: only for the protocol, only from pages of ours, and never a token in the URL. */
export function addRealtime(app: FastifyInstance, gateway: Gateway, allowedOrigins: readonly string[]): void {
  app.route({
    method: "GET",
    url: "/api/v1/realtime",
    preValidation: async (request, reply) => {
      const { origin, upgrade } = request.headers;
      const protocols = (request.headers["sec-websocket-protocol"] ?? "").split(",").map((name) => name.trim());
      if (upgrade?.toLowerCase() !== "websocket" || !protocols.includes(SUBPROTOCOL))
        return sendRejection(reply, reject("validation-failed", `open a WebSocket of the subprotocol ${SUBPROTOCOL}`));
      if (
        origin !== undefined &&
        origin !== `${request.protocol}://${request.host}` &&
        !allowedOrigins.includes(origin)
      )
        return sendRejection(reply, reject("forbidden", "this origin may not open a socket"));
      if (gateway.size >= MOST_SOCKETS) return sendRejection(reply, reject("unavailable", "too many sockets are open"));
    },
    handler: (_request, reply) => sendRejection(reply, reject("validation-failed", "open a WebSocket")),
    wsHandler: (ws, request) => gateway.connected(ws, request.raw.socket, request.ip),
  });
}
