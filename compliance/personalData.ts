import type { StoredUse } from "../domain/dataUse.ts";

const nothing = "nothing to erase";

/** What each table of compliance and of the verifiable log holds of people. */
export const personalData = {
  "compliance.erasures": {
    what: "who was or is being erased",
    people: "user_id",
    conduct: "asked_at",
    other: "tenant erasure_id closed",
    kept: "for ever: it is the record of the erasure",
    erasure: "stays",
  },
  "compliance.retirements": {
    what: "days of conversations that are past retention, until it is told",
    other: "tenant conversation day destroyed_at",
    kept: "until members' devices are told",
    erasure: nothing,
  },
  "compliance.approvals": {
    what: "what waits for a second officer, by its id alone",
    conduct: "asked_at",
    other: "tenant case_id closed",
    kept: "for ever",
    erasure: nothing,
  },
  "compliance.access_log": {
    what: "who looked at what, when, on which device and what for; it names people, conversations and messages by ids",
    people: "actor about",
    conduct: "at device action",
    other: "tenant entry previous hash",
    kept: "for ever: its entries are chained",
    erasure: "stays, as the record of who saw what",
  },
  "tlog.entries": {
    what: "the verifiable log: hashes of ciphertext and salted facts",
    hashed: "leaf link",
    other: "index position",
    kept: "for ever",
    erasure: "stays: nothing can be opened from it",
  },
  "tlog.roots": { what: "its tree", other: "level n hash", kept: "for ever", erasure: nothing },
  "tlog.checkpoints": { what: "what was signed of it", other: "origin size note", kept: "for ever", erasure: nothing },
  "tlog.cosignatures": {
    what: "what witnesses signed of it",
    other: "origin size witness note line",
    kept: "for ever",
    erasure: nothing,
  },
} as const satisfies Record<string, StoredUse>;
