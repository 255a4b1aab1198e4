import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { createWitness, type Witness } from "../../compliance/witness/witness.ts";
import { systemClock } from "../../infra/clock.ts";
import { fileSignedHeads } from "../../infra/keys/fileSignedHeads.ts";
import { fileWitnessKey } from "../../infra/keys/fileWitnessKey.ts";
import { CommandFailed } from "../commandFailed.ts";
import { exitCodes } from "../exitCodes.ts";
import { keysFrom } from "../proof/keysFrom.ts";

interface WitnessFlags {
  readonly key: string;
  readonly name?: string;
  readonly log: readonly string[];
  readonly state?: string;
  readonly host: string;
  readonly port: string;
}

/** Nothing that a log sends is longer. */
const MOST_BYTES = 64 * 1024;

/** Cosigns the checkpoints of these logs until Ctrl-C: `POST /add-checkpoint`. */
export async function witnessCommand(flags: WitnessFlags): Promise<number> {
  const port = Number(flags.port);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new CommandFailed("--port must be 0 to 65535");
  const logKeys = (await Promise.all(flags.log.map(keysFrom))).flat();
  const key = await fileWitnessKey(flags.key, flags.name).catch((error: unknown) => {
    throw new CommandFailed(error instanceof Error ? error.message : String(error));
  });
  const heads = fileSignedHeads(flags.state ?? `${flags.key}.heads`);
  const server = witnessServer(createWitness({ logKeys, heads, clock: systemClock, cosign: key.cosign }));
  const { promise: ended, resolve: end, reject: fail } = Promise.withResolvers<void>();
  server.once("error", fail);
  server.listen(port, flags.host, () => {
    const { address, port: given, family } = addressOf(server.address());
    const at = `http://${family === "IPv6" ? `[${address}]` : address}:${given}`;
    process.stdout.write(
      `${key.name} cosigns ${[...new Set(logKeys.map(({ name }) => name))].join(", ")}\n` +
        `verifier key  ${key.verifierKey}\n` +
        `give the log  SCRIPTA_WITNESSES="${key.verifierKey} ${at}"\n`,
    );
  });
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => end());
  await ended;
  server.closeAllConnections();
  server.close();
  return exitCodes.done;
}

function witnessServer(witness: Witness) {
  return createServer(async (request, response) => {
    const give = (status: number, type: string, body: string) =>
      response.writeHead(status, { "content-type": type, "x-content-type-options": "nosniff" }).end(body);
    const plain = "text/plain; charset=utf-8";
    try {
      if (request.url !== "/add-checkpoint") return give(404, plain, "there is nothing here\n");
      if (request.method !== "POST") return give(405, plain, "POST alone\n");
      const body = await bodyOf(request);
      if (body === undefined) {
        response.shouldKeepAlive = false;
        return give(413, plain, "too long\n");
      }
      const { status, type, body: said } = await witness.addCheckpoint(body);
      return give(status, type, said);
    } catch (error) {
      process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
      return give(500, plain, "the witness cannot judge now\n");
    }
  });
}

async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > MOST_BYTES) return undefined;
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function addressOf(address: AddressInfo | string | null): AddressInfo {
  if (typeof address === "object" && address !== null) return address;
  throw new Error("the witness listens nowhere");
}
