import type { FastifyInstance } from "fastify";
import { asyncApi } from "../../realtime/asyncApi.ts";
import type { OpenDoor } from "../ports/door.ts";
import { openApi } from "./openapi.ts";
import { referencePage } from "./referencePage.ts";

/** The contract as the server publishes it. */
export function addDocuments(app: FastifyInstance, doors: readonly OpenDoor[], version: string): void {
  const http = JSON.stringify(openApi(doors, version));
  const sockets = JSON.stringify(asyncApi(doors, version));
  const page = referencePage(doors, version);
  app.get("/openapi.json", (_request, reply) => reply.type("application/json").send(http));
  app.get("/asyncapi.json", (_request, reply) => reply.type("application/json").send(sockets));
  app.get("/docs", (_request, reply) =>
    reply
      .type("text/html; charset=utf-8")
      .header(
        "content-security-policy",
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
      )
      .send(page),
  );
}
