import type { StoredUse } from "../domain/dataUse.ts";

const nothing = "nothing to erase";

/** What each table of the log, of keys and of the program's own upkeep holds of people. */
export const personalData = {
  "log.events": {
    what: "every event, as `events` says one by one",
    people: "actor subject data meta",
    conduct: "recorded_at",
    sealed: "sealed",
    hashed: "payload_hash",
    other: "position stream_no revision command command_at target type version bucket",
    kept: "for ever",
    erasure: "no byte changes: what is sealed opens no more, ids and times stay",
  },
  "log.streams": {
    what: "the names of streams: a person's is named by the person's id",
    people: "stream",
    other: "stream_no",
    kept: "for ever",
    erasure: "stays",
  },
  "log.epochs": { what: "histories of the log", other: "epoch raised_at head", kept: "for ever", erasure: nothing },
  "keys.secrets": {
    what: "a secret for each person, and for each conversation and day; each wrapped by a week key outside the database",
    people: "owner",
    wrapped: "wrapped",
    other: "tenant bucket week_key",
    kept: "until an erasure or a retention destroys it",
    erasure: "the person's secret is destroyed: all that was sealed under it is unreadable for ever",
  },
  "keys.day_keys": {
    what: "what wraps the secrets of a day",
    wrapped: "wrapped",
    other: "tenant bucket week_key",
    kept: "as long as the day's secrets",
    erasure: nothing,
  },
  "keys.holds": {
    what: "what is preserved, with a key of its own",
    people: "person",
    conduct: "placed_at",
    wrapped: "wrapped",
    other: "tenant hold_id conversation from_day to_day week_key",
    kept: "until it is lifted",
    erasure: "stays: what it covers opens for `compliance` alone until it is lifted",
  },
  "keys.held_keys": {
    what: "keys of what was destroyed under a hold",
    people: "subject stream",
    wrapped: "wrapped",
    other: "tenant hold_id bucket",
    kept: "until the last hold on it is lifted",
    erasure: "goes when the hold is lifted",
  },
  "keys.ledger": {
    what: "which secrets were destroyed, so that no backup brings them back",
    people: "owner",
    other: "position tenant bucket destroyed_at",
    kept: "for ever",
    erasure: "stays: it is what makes the erasure last",
  },
  "ops.snapshots": {
    what: "what commands decide on: members with roles, of a person the devices; no content",
    people: "stream state",
    other: "part epoch revision made_by sha256",
    kept: "until a newer one",
    erasure: "ids stay",
  },
  "ops.last_seen": {
    what: "when somebody was last connected",
    people: "user_id",
    conduct: "at",
    other: "tenant",
    kept: "the last time only",
    erasure: "deleted, and not written anew",
  },
  "scripta.migrations": {
    what: "which changes of tables were made",
    other: "name sha256 applied_at",
    kept: "for ever",
    erasure: nothing,
  },
} as const satisfies Record<string, StoredUse>;
