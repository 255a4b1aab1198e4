import { LRUCache } from "lru-cache";
import type { Database } from "../../infra/ports/database.ts";
import type { EventLog, RecordedEvent } from "../../infra/ports/eventLog.ts";
import { InconsistentLog } from "../../infra/ports/logSigner.ts";
import type { Sealing } from "../../sealing/sealing.ts";
import type { Edge } from "../verifier/edge.ts";
import { commitmentsOf, leafOf, linkTo, type TenantKeys } from "./commitments.ts";
import { entriesAt, eventOf } from "./events.ts";
import { keysOfStream } from "./tenantKeys.ts";
import { edgeAt } from "./tree.ts";

export interface SequencingParts {
  readonly log: EventLog;
  readonly database: Database;
  readonly sealing: Pick<Sealing, "tenantKey">;
}

/** Events in a row get the next indexes, one batch after the other. One process at a time does it. */
export interface Sequencing {
  /** Never changed: the next batch gives another. */
  readonly edge: Edge;
  /** Up to where the log is in order. */
  readonly position: number;
  /** @throws where another process put other entries there; then all of this is to be begun anew */
  add(events: readonly RecordedEvent[]): Promise<void>;
}

const LAST_LEAVES = 50_000;

/** Goes on where the tables end. */
export async function resumeSequencing({ log, database, sealing }: SequencingParts): Promise<Sequencing> {
  const { rows } = await database.query<{ index: number; position: number }>(
    "select index, position from tlog.entries order by index desc limit 1",
  );
  let position = rows[0]?.position ?? 0;
  let edge = await edgeAt(database, (rows[0]?.index ?? -1) + 1);
  /** Of streams that moved lately, the last leaf with its revision. */
  const lastLeaves = new LRUCache<string, { revision: number; leaf: Uint8Array }>({ max: LAST_LEAVES });

  /** For streams whose last leaf is not at hand: it lies in the log and the tables. */
  async function fetchLastLeaves(events: readonly RecordedEvent[]): Promise<void> {
    const first = new Map<string, RecordedEvent>();
    for (const event of events) if (!first.has(event.stream)) first.set(event.stream, event);
    const missing = [...first.values()].filter(
      ({ stream, revision }) => revision > 0 && lastLeaves.get(stream)?.revision !== revision - 1,
    );
    const before: RecordedEvent[] = [];
    for (const { stream, revision } of missing) {
      const event = await eventOf(log, stream, revision - 1);
      if (!event) throw new Error(`revision ${revision - 1} of ${stream} is missing in the log`);
      before.push(event);
    }
    const places = await entriesAt(
      database,
      before.map((event) => event.position),
    );
    for (const event of before) {
      const leaf = places.get(event.position)?.leaf;
      if (!leaf) throw new InconsistentLog(`position ${event.position} has no entry`);
      lastLeaves.set(event.stream, { revision: event.revision, leaf });
    }
  }

  async function keysOf(events: readonly RecordedEvent[]): Promise<(event: RecordedEvent) => TenantKeys> {
    const known = new Map<string, TenantKeys>();
    const tenantOf = ({ stream }: RecordedEvent) => stream.slice(0, stream.indexOf("/"));
    for (const event of events)
      if (!known.has(tenantOf(event))) known.set(tenantOf(event), await keysOfStream(sealing, event.stream));
    return (event) => {
      const keys = known.get(tenantOf(event));
      if (!keys) throw new Error(`no keys for ${event.stream}`);
      return keys;
    };
  }

  return {
    get edge() {
      return edge;
    },
    get position() {
      return position;
    },
    async add(events) {
      const keys = await keysOf(events);
      await fetchLastLeaves(events);
      const from = edge.size;
      const links: Buffer[] = [];
      const leaves: Buffer[] = [];
      for (const event of events) {
        const before = event.revision === 0 ? undefined : lastLeaves.get(event.stream)?.leaf;
        const link = linkTo(keys(event), event.id, before);
        const leaf = leafOf(from + leaves.length, commitmentsOf(event, keys(event), link));
        lastLeaves.set(event.stream, { revision: event.revision, leaf });
        links.push(link);
        leaves.push(leaf);
      }
      const roots: { level: number; n: number; hash: Uint8Array }[] = [];
      const grown = edge.copy();
      for (const leaf of leaves)
        grown.append(leaf, (level, _, hash) =>
          roots.push({ level: level + 1, n: Math.floor((grown.size - 1) / 256 ** (level + 1)), hash }),
        );
      await insert(database, from, events, Buffer.concat(links), Buffer.concat(leaves), roots);
      edge = grown;
      position = events.at(-1)?.position ?? position;
    },
  };
}

/**
 * One statement, one round trip. It need not be on disk when it is answered: what a crash takes follows from the log again.
 */
async function insert(
  database: Database,
  from: number,
  events: readonly RecordedEvent[],
  links: Buffer,
  leaves: Buffer,
  roots: readonly { level: number; n: number; hash: Uint8Array }[],
): Promise<void> {
  await database.query(
    `with unhurried as (select set_config('synchronous_commit', 'off', true)),
     entries as (
       insert into tlog.entries (index, position, link, leaf)
       select $1::bigint + e.at - 1, e.position,
         substring($3::bytea from (e.at::integer - 1) * 32 + 1 for 32), substring($4::bytea from (e.at::integer - 1) * 32 + 1 for 32)
       from unnest($2::bigint[]) with ordinality as e(position, at), unhurried
     )
     insert into tlog.roots (level, n, hash) select * from unnest($5::smallint[], $6::bigint[], $7::bytea[])`,
    [
      from,
      events.map(({ position }) => position),
      links,
      leaves,
      roots.map(({ level }) => level),
      roots.map(({ n }) => n),
      roots.map(({ hash }) => Buffer.from(hash)),
    ],
    "tlog-insert",
  );
}
