import type { Database } from "../../infra/ports/database.ts";
import type { EventLog } from "../../infra/ports/eventLog.ts";
import type { LogSigner } from "../../infra/ports/logSigner.ts";
import type { Sealing } from "../../sealing/sealing.ts";
import { type Bytes, concat, utf8 } from "../verifier/bytes.ts";
import { TILE_WIDTH, tileBytes } from "../verifier/edge.ts";
import { entryBytes } from "../verifier/entry.ts";
import { parseTilePath, type Tile } from "../verifier/tilePath.ts";
import { type Commitments, commitmentsOf } from "./commitments.ts";
import { servedCheckpoint } from "./cosignatures.ts";
import { entriesBetween, eventsAt } from "./events.ts";
import { originOf } from "./origin.ts";
import { keysOfStream } from "./tenantKeys.ts";
import { hashesOf } from "./tree.ts";

/** What serving the log, and proofs of it, take. */
export interface ServedLogParts {
  readonly log: EventLog;
  readonly database: Database;
  readonly sealing: Pick<Sealing, "tenantKey" | "opening">;
  readonly signer: LogSigner;
  readonly name: string;
}

/** One file of the log as the public sees it. */
export interface ServedFile {
  readonly type: "text/plain; charset=utf-8" | "application/octet-stream";
  readonly bytes: Bytes;
  /** It will never be another. */
  readonly final: boolean;
}

const text = (content: string): ServedFile => ({
  type: "text/plain; charset=utf-8",
  bytes: utf8(content),
  final: false,
});
const binary = (bytes: Bytes, { width }: Tile): ServedFile => ({
  type: "application/octet-stream",
  bytes,
  final: width === TILE_WIDTH,
});

/**
 * `checkpoint`, `key` (a line for each key that signs, the newest first), `tile/…`: undefined for what is not there.
 * @see https://c2sp.org/tlog-tiles
 */
export async function serveLog(path: string, parts: ServedLogParts): Promise<ServedFile | undefined> {
  const origin = originOf(parts.name, await parts.log.epoch());
  if (path === "key") return text((await parts.signer.verifierKeys(origin)).map((key) => `${key}\n`).join(""));
  const newest = await servedCheckpoint(parts.database, origin);
  if (path === "checkpoint") return newest && text(newest.note);
  const tile = parseTilePath(path);
  if (!tile || !newest) return undefined;
  const level = tile.level === "entries" ? 0 : tile.level;
  if (level > 6 || tile.n * TILE_WIDTH + tile.width > Math.floor(newest.size / TILE_WIDTH ** level)) return undefined;
  return binary(tile.level === "entries" ? await bundleOf(tile, parts) : await tileOf(tile, level, parts), tile);
}

async function tileOf({ n, width }: Tile, level: number, { database }: ServedLogParts): Promise<Bytes> {
  const [hashes = []] = await hashesOf(database, [{ level, first: n * TILE_WIDTH, count: width }]);
  return tileBytes(hashes);
}

const NOTHING: Commitments = {
  tag: new Uint8Array(32),
  payloadCommit: new Uint8Array(32),
  metaCommit: new Uint8Array(32),
};

/** Made of the events as they lie in the log now: what was altered or taken out is another entry than what was signed. */
async function bundleOf({ n, width }: Tile, { database, log, sealing }: ServedLogParts): Promise<Bytes> {
  const places = await entriesBetween(database, n * TILE_WIDTH, n * TILE_WIDTH + width);
  const events = await eventsAt(
    log,
    places.map(({ position }) => position),
  );
  const entries: Bytes[] = [];
  for (const { index, position, link } of places) {
    const event = events.get(position);
    const commitments = event ? commitmentsOf(event, await keysOfStream(sealing, event.stream), link) : NOTHING;
    const entry = entryBytes({ index, ...commitments });
    entries.push(Uint8Array.of(entry.length >> 8, entry.length & 255), entry);
  }
  return concat(...entries);
}
