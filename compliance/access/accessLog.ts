import { hash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Database, Queryable } from "../../infra/ports/database.ts";

export const accessLogMigrations = () => [
  { name: "compliance/0100-access-log", sql: readFileSync(new URL("./schema.sql", import.meta.url), "utf8") },
  {
    name: "compliance/0101-access-log-searching",
    sql: readFileSync(new URL("./searching.sql", import.meta.url), "utf8"),
  },
];

/** Somebody is about to be shown something. */
export interface Access {
  readonly tenant: string;
  readonly at: Date;
  /** Null: the operator's own hand, on the machine itself. */
  readonly actor: string | null;
  readonly device: string | null;
  /** What is done, such as `read-conversation`. */
  readonly action: string;
  /** Ids and numbers alone: what of it, and how much. */
  readonly about: Readonly<Record<string, unknown>>;
}

interface Entry extends Omit<Access, "about"> {
  readonly entry: number;
  readonly about: string;
  readonly previous: Buffer;
}

/** With the tenant's hash: held by the one that adds an entry. */
const ADDING = 7_301_020;
/** What stands before a tenant's first entry. */
const NOTHING = Buffer.alloc(32);
const ENTRY = "tenant, entry, at, actor, device, action, about::text as about, previous";

/** SHA-256 of the entry before, and of all that this one says. */
const hashOf = ({ tenant, entry, at, actor, device, action, about, previous }: Entry): Buffer =>
  hash(
    "sha256",
    Buffer.concat([
      previous,
      Buffer.from(
        JSON.stringify(["scripta/access/v1", tenant, entry, at.toISOString(), actor, device, action, about]),
        "utf8",
      ),
    ]),
    "buffer",
  );

/**
 * Writes down that somebody is shown something; durable once it resolves. Nothing may be shown where this fails.
 * @throws what the database threw
 */
export function writeAccess(database: Database, { about, ...access }: Access): Promise<void> {
  return database.transaction(async (tx) => {
    await tx.query("select pg_advisory_xact_lock($1, hashtext($2))", [ADDING, access.tenant]);
    const { rows } = await tx.query<{ entry: number; hash: Buffer }>(
      "select entry, hash from compliance.access_log where tenant = $1 order by entry desc limit 1",
      [access.tenant],
    );
    const [last] = rows;
    const entry = {
      ...access,
      entry: (last?.entry ?? 0) + 1,
      about: JSON.stringify(about),
      previous: last?.hash ?? NOTHING,
    };
    await tx.query(
      `insert into compliance.access_log (tenant, entry, at, actor, device, action, about, previous, hash)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
      [
        entry.tenant,
        entry.entry,
        entry.at,
        entry.actor,
        entry.device,
        entry.action,
        entry.about,
        entry.previous,
        hashOf(entry),
      ],
    );
  });
}

export interface BrokenAccess {
  readonly tenant: string;
  readonly entry: number;
  readonly found: string;
}

const PAGE = 1_000;

/** Walks the chain of every tenant, and gives each entry that does not follow from the one before. */
export async function* brokenAccess(database: Queryable): AsyncGenerator<BrokenAccess> {
  let last: (Pick<Entry, "tenant" | "entry"> & { hash: Buffer }) | undefined;
  for (;;) {
    const { rows } = await database.query<Entry & { hash: Buffer }>(
      `select ${ENTRY}, hash from compliance.access_log where (tenant, entry) > ($1, $2) order by tenant, entry limit ${PAGE}`,
      [last?.tenant ?? "", last?.entry ?? 0],
    );
    for (const row of rows) {
      const before = last?.tenant === row.tenant ? last : { entry: 0, hash: NOTHING };
      const { tenant, entry } = row;
      if (entry !== before.entry + 1) yield { tenant, entry, found: `it follows entry ${before.entry}` };
      else if (!row.previous.equals(before.hash))
        yield { tenant, entry, found: "it does not follow from the one before" };
      else if (!hashOf(row).equals(row.hash)) yield { tenant, entry, found: "it was altered" };
      last = row;
    }
    if (rows.length < PAGE) return;
  }
}
