import type { StoredUse } from "../domain/dataUse.ts";

/** What each table of accounts holds of people. */
export const personalData = {
  "accounts.accounts": {
    what: "accounts: who may sign in, with which name and password",
    people: "user_id",
    conduct: "claimed_at registered_at erased_at roles guest deactivated",
    hashed: "username_hash password_hash",
    other: "tenant command_id roles_position deactivated_position",
    kept: "for ever",
    erasure:
      "the password's hash goes at once, the name's after 30 days, in which nobody else takes the name; id, roles and times stay",
  },
  "accounts.devices": {
    what: "devices and what their sessions are renewed with",
    people: "user_id",
    conduct: "device_id generation rotated_at pair_used_at revoked_at",
    hashed: "refresh_seed",
    other: "tenant",
    kept: "for ever; a seed while its device is signed in",
    erasure: "every device is signed out",
  },
  "accounts.successions": {
    what: "whose groups need another owner",
    people: "user_id",
    other: "tenant position",
    kept: "until they have one",
    erasure: "the row goes once it is done",
  },
  "accounts.sign_in_failures": {
    what: "failed attempts, by a keyed hash of name and address",
    conduct: "at",
    hashed: "key",
    kept: "they count for 15 minutes, and go with the next failure",
    erasure: "goes by itself",
  },
  "accounts.tenants": {
    what: "organisations",
    other: "tenant founded_at",
    kept: "for ever",
    erasure: "nothing to erase",
  },
  "accounts.followed": {
    what: "how far accounts have followed the log",
    other: "singleton epoch position",
    kept: "for ever",
    erasure: "nothing to erase",
  },
} as const satisfies Record<string, StoredUse>;
