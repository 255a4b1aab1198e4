import type { BlockList } from "node:net";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { type ServedLogParts, serveLog } from "../../compliance/tlog/serveLog.ts";
import { isRejection, reject } from "../../domain/rejection.ts";
import type { Identities } from "../ports/identity.ts";
import { Refused, sendRejection } from "./refusal.ts";
import { identify } from "./request.ts";

export interface VerifiableLogParts extends ServedLogParts {
  readonly identities: Identities;
  /** Whoever reaches the server may read it: it names nobody. */
  readonly open: boolean;
}

/** Tiles are final once they are full; what still grows is asked for again. */
const FINAL = "public, max-age=31536000, immutable";

/** `/tlog/checkpoint`, `/tlog/key`, `/tlog/tile/…`: the verifiable log, as files. */
export function addVerifiableLog(app: FastifyInstance, parts: VerifiableLogParts): void {
  app.get<{ Params: { "*": string } }>("/tlog/*", async (request, reply) => {
    if (!parts.open) await assertAuditor(request, parts.identities);
    const file = await serveLog(request.params["*"], parts);
    if (!file) return sendRejection(reply, reject("not-found", "there is nothing here"));
    if (file.final && parts.open) reply.header("cache-control", FINAL);
    return reply.type(file.type).send(Buffer.from(file.bytes));
  });
}

async function assertAuditor(request: FastifyRequest, identities: Identities): Promise<void> {
  const identity = await identify(request, identities);
  if (isRejection(identity)) throw new Refused(identity);
  if (!identity.roles.includes("auditor")) throw new Refused(reject("forbidden", "this takes another role"));
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|::1)$/;

/** Only those who are on this machine reach it, unless something here lets others in. */
export const isOnLoopback = ({ host, trustedProxies }: { host: string; trustedProxies: BlockList }): boolean =>
  LOOPBACK.test(host) && trustedProxies.rules.length === 0;
