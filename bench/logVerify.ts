import { generateKeyPairSync, hash, randomBytes, sign } from "node:crypto";
import { concat } from "../compliance/verifier/bytes.ts";
import { checkpointText } from "../compliance/verifier/checkpoint.ts";
import { Edge, TILE_WIDTH, tileBytes } from "../compliance/verifier/edge.ts";
import { entryBytes } from "../compliance/verifier/entry.ts";
import { followLog, type LogSource } from "../compliance/verifier/followLog.ts";
import { type Hash, leafHash } from "../compliance/verifier/merkle.ts";
import { signatureLine, verifierKey } from "../compliance/verifier/note.ts";
import { tilePath } from "../compliance/verifier/tilePath.ts";
import { compare, keep, timed } from "./harness.ts";

const ENTRIES = Number(process.env.BENCH_ENTRIES ?? 200_000);
const ORIGIN = "log.example/bench";
const { privateKey, publicKey } = generateKeyPairSync("ed25519");
const key = verifierKey(ORIGIN, Uint8Array.from(publicKey.export({ format: "der", type: "spki" }).subarray(-32)));

/** A whole log as its files, in memory. */
function aLog(): LogSource {
  const files = new Map<string, Uint8Array>();
  const rows: Hash[][] = [];
  const edge = new Edge();
  let bundle: Uint8Array[] = [];
  let leaves: Hash[] = [];
  const close = (width: number, n: number) => {
    files.set(tilePath({ level: "entries", n, width }), concat(...bundle));
    files.set(tilePath({ level: 0, n, width }), tileBytes(leaves));
    bundle = [];
    leaves = [];
  };
  for (let index = 0; index < ENTRIES; index++) {
    const entry = entryBytes({
      index,
      tag: randomBytes(32),
      payloadCommit: randomBytes(32),
      metaCommit: randomBytes(32),
    });
    const leaf = leafHash(entry);
    bundle.push(Uint8Array.of(0, entry.length), entry);
    leaves.push(leaf);
    edge.append(leaf, (level, _, root) => {
      rows[level + 1] ??= [];
      rows[level + 1]?.push(root);
    });
    if (leaves.length === TILE_WIDTH) close(TILE_WIDTH, Math.floor(index / TILE_WIDTH));
  }
  if (leaves.length > 0) close(leaves.length, Math.floor(ENTRIES / TILE_WIDTH));
  for (const [level, hashes] of rows.entries())
    for (let n = 0; level > 0 && n * TILE_WIDTH < (hashes?.length ?? 0); n++) {
      const tile = hashes?.slice(n * TILE_WIDTH, (n + 1) * TILE_WIDTH) ?? [];
      files.set(tilePath({ level, n, width: tile.length }), tileBytes(tile));
    }
  const text = checkpointText({ origin: ORIGIN, size: ENTRIES, root: edge.root() });
  const note = `${text}\n${signatureLine(key, sign(null, Buffer.from(text), privateKey))}`;
  files.set("checkpoint", Buffer.from(note));
  return async (path) => {
    const file = files.get(path);
    if (!file) throw new Error(`${path} is not there`);
    return file;
  };
}

const source = aLog();
const leaf = randomBytes(115);
const node = randomBytes(65);
const compared = await compare({
  title: `log verify: ${ENTRIES.toLocaleString("en-US")} entries in memory, one thread; SHA-256: as many of 115 and of 65 bytes`,
  unit: "entries",
  size: ENTRIES,
  ours: {
    name: "log verify",
    turn: async () => {
      let size = 0;
      const seconds = await timed(async () => {
        size = (await followLog(source, [key])).checkpoint.size;
      });
      if (size !== ENTRIES) throw new Error(`${size} entries were followed`);
      return seconds;
    },
  },
  baselines: [
    {
      name: "one-shot SHA-256 alone",
      turn: () =>
        timed(async () => {
          for (let n = 0; n < ENTRIES; n++) {
            hash("sha256", leaf, "buffer");
            hash("sha256", node, "buffer");
          }
        }),
    },
  ],
});
keep("logVerify", [compared]);
