import type { StoredUse } from "../domain/dataUse.ts";

const follows = "as long as the log; a rebuild makes it anew";
const untouched = "no row changes: what is sealed opens no more, ids and times stay";
const nothing = "nothing to erase";

/** What each table of a read model, and of the projector's own work, holds of people. */
export const personalData = {
  "people.people": {
    what: "who there is: name and picture",
    people: "user_id",
    conduct: "preferences deactivated",
    sealed: "registered profile",
    other: "tenant imported avatar revision changed_position own_revision own_position",
    kept: follows,
    erasure: untouched,
  },
  "people.devices": {
    what: "devices somebody is or was signed in on",
    people: "user_id",
    conduct: "device_id platform signed_in_at signed_out_at",
    sealed: "name",
    other: "tenant",
    kept: follows,
    erasure: untouched,
  },
  "people.roles": {
    what: "server roles",
    people: "user_id",
    conduct: "roles guest",
    other: "tenant changed_position",
    kept: follows,
    erasure: untouched,
  },
  "members.members": {
    what: "who is or was in which conversation",
    people: "user_id",
    conduct: "intervals present role joined_at left_at notify muted_until",
    other:
      "tenant conversation joined_position left_position revision changed_position preferences_revision preferences_position",
    kept: follows,
    erasure: untouched,
  },
  "inbox.conversations": {
    what: "conversations: name and description",
    people: "peers",
    sealed: "name description",
    other:
      "tenant conversation kind history_visibility narrowed_position avatar member_count revision changed_position expired_to",
    kept: follows,
    erasure: `${untouched}; a name is the conversation's own, and goes where it is redacted`,
  },
  "inbox.conv_head": {
    what: "how far each conversation has come",
    other: "tenant conversation position last_seq activity_position",
    kept: follows,
    erasure: nothing,
  },
  "history.messages": {
    what: "messages: who, when, to whom; the text that counts",
    people: "author mentions escalate_to overdue",
    conduct: "sent_at edited_at ack_by",
    sealed: "sealed edit",
    other:
      "tenant conversation seq message_id kind deleted reply_to thread_root thread_count has_link attachments sent_revision revision changed_position ack_open",
    kept: follows,
    erasure: untouched,
  },
  "history.versions": {
    what: "later texts of messages",
    conduct: "edited_at",
    sealed: "sealed",
    other: "tenant conversation seq revision",
    kept: follows,
    erasure: untouched,
  },
  "history.reactions": {
    what: "who reacted with what",
    people: "user_id",
    conduct: "emoji",
    other: "tenant conversation seq position",
    kept: follows,
    erasure: "the row stays; it is shown to nobody any more",
  },
  "history.mentions": {
    what: "whom messages mention now",
    people: "user_id",
    other: "tenant conversation seq",
    kept: follows,
    erasure: untouched,
  },
  "history.acks": {
    what: "who acknowledged a message, and when",
    people: "user_id",
    conduct: "at",
    other: "tenant conversation seq position",
    kept: follows,
    erasure: untouched,
  },
  "receipts.marks": {
    what: "up to where somebody has received and read",
    people: "user_id",
    conduct: "delivered read",
    other: "tenant conversation changed_position",
    kept: follows,
    erasure: untouched,
  },
  "receipts.raises": {
    what: "when somebody received and read",
    people: "user_id",
    conduct: "read delivered at",
    other: "tenant conversation",
    kept: follows,
    erasure: untouched,
  },
  "ops.checkpoints": {
    what: "how far read models have come",
    other: "schema projection version epoch position phase",
    kept: "while the read model is there",
    erasure: nothing,
  },
  "ops.differing": {
    what: "conversations that a rebuild found otherwise",
    other: "schema tenant conversation",
    kept: "until the rebuild is over",
    erasure: nothing,
  },
  "ops.parked": {
    what: "streams that a read model cannot fold; a person's stream is named by the person's id",
    people: "stream",
    other: "schema position error parked_at",
    kept: "until un-parked",
    erasure: untouched,
  },
  "ops.resync": {
    what: "conversations to be sent anew",
    other: "tenant conversation resync_position",
    kept: "for ever",
    erasure: nothing,
  },
} as const satisfies Record<string, StoredUse>;
