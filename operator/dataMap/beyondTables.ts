/** Where data is that is in no table of ours: with what can be read there, how long it stays, what an erasure does to it. */
export interface Place {
  readonly place: string;
  readonly what: string;
  readonly kept: string;
  readonly erasure: string;
}

const WEEKS = "14 days at most: by then the week key that could open it is destroyed";

export const beyondTables: readonly Place[] = [
  {
    place: "memory of the server",
    what: "what was opened to be shown, and keys, in bounded caches",
    kept: "until something newer takes its place, or the process ends",
    erasure: "not opened again 5 s after the secret is gone; bytes may stay until they are written over",
  },
  {
    place: "PostgreSQL's files, WAL, replicas, dead rows",
    what: "the same as the tables: sealed content, wrapped secrets, ids, times",
    kept: "as PostgreSQL keeps them",
    erasure: `a copy of a destroyed secret opens for ${WEEKS}`,
  },
  {
    place: "backup, the part of the log",
    what: "events, accounts, the access log: content sealed, no secrets",
    kept: "as long as the operator keeps it",
    erasure: "opens only with a keys part; the erasure ledger is applied before a restored server serves",
  },
  {
    place: "backup, the part of the keys",
    what: "wrapped secrets, and without a KMS the week keys in a file of its own",
    kept: "the newest only, and elsewhere",
    erasure: "an older one that is kept with its week keys opens what it opened: it must be destroyed",
  },
  {
    place: "<data>/keys",
    what: "week keys, the token secret, the log's signing key",
    kept: "a week key for two weeks",
    erasure: `a destroyed secret's wrapping is final after ${WEEKS}`,
  },
  {
    place: "the server's log lines and metrics",
    what: "ids of conversations and streams where something failed; neither content nor names nor tokens",
    kept: "as the operator keeps them",
    erasure: "ids stay",
  },
  {
    place: "devices, and the terminal's ~/.config/scripta",
    what: "what the person may read, in clear, and that device's credentials",
    kept: "until signed out or removed there",
    erasure: "devices are told once and blank it; one that never connects again keeps it",
  },
  {
    place: "exports, proofs and certificates that were handed out",
    what: "what was asked for, opened",
    kept: "wherever they were taken",
    erasure: "not reached",
  },
];
