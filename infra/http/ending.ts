import { setTimeout as pause } from "node:timers/promises";
import type { FastifyInstance } from "fastify";

const ANSWERED_WITHIN_MS = 10_000;

/**
 * The way to end a server: it takes no more, answers what it took, and then ends its connections. Those that never
 * asked for anything (browsers open some ahead) are not idle to Node, and would keep it from ending for a minute.
 */
export function endingOf(app: FastifyInstance): () => Promise<void> {
  let underWay = 0;
  app.server.on("request", (_request, response) => {
    underWay++;
    response.once("close", () => underWay--);
  });
  return async () => {
    const closed = app.close();
    const until = performance.now() + ANSWERED_WITHIN_MS;
    while (underWay > 0 && performance.now() < until) await pause(5);
    app.server.closeAllConnections();
    await closed;
  };
}
