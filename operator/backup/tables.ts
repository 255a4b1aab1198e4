/** A table as a backup has it: all its rows, in the order of its primary key. */
export interface SavedTable {
  /** With its schema. */
  readonly name: string;
  readonly orderBy: string;
}

export const parts = ["log", "keys"] as const;
/** What is kept for years, and what only the newest is kept of. */
export type Part = (typeof parts)[number];

export const savedTables: Readonly<Record<Part, readonly SavedTable[]>> = {
  log: [
    { name: "log.streams", orderBy: "stream_no" },
    { name: "log.events", orderBy: "position" },
    { name: "log.epochs", orderBy: "epoch" },
    { name: "accounts.tenants", orderBy: "tenant" },
    { name: "accounts.accounts", orderBy: "tenant, user_id" },
    { name: "accounts.devices", orderBy: "tenant, device_id" },
    { name: "accounts.successions", orderBy: "tenant, user_id" },
    { name: "compliance.erasures", orderBy: "tenant, erasure_id" },
    { name: "compliance.retirements", orderBy: "tenant, conversation, day" },
    { name: "compliance.approvals", orderBy: "tenant, case_id" },
    { name: "compliance.access_log", orderBy: "tenant, entry" },
    { name: "ops.last_seen", orderBy: "tenant, user_id" },
  ],
  keys: [
    { name: "keys.secrets", orderBy: "tenant, bucket, owner" },
    { name: "keys.day_keys", orderBy: "tenant, bucket" },
    { name: "keys.ledger", orderBy: "position" },
    { name: "keys.holds", orderBy: "tenant, hold_id" },
    { name: "keys.held_keys", orderBy: "tenant, hold_id, stream, subject, bucket" },
  ],
};

/** What the log gives again, or nobody misses, with why; beside read models, and what their projector keeps of them. */
export const notSaved: Readonly<Record<string, string>> = {
  "accounts.followed": "a restored log has another epoch, in which accounts fold it from its start",
  "accounts.sign_in_failures": "they count for fifteen minutes",
  "ops.snapshots": "the log gives them again",
  "tlog.entries": "they follow from the log and the keys",
  "tlog.roots": "they follow from the entries",
  "tlog.checkpoints": "a restored log has another epoch, in which it is signed anew",
  "tlog.cosignatures": "witnesses sign the checkpoints of that epoch anew",
  "scripta.migrations": "their names and digests are in the manifest",
};
