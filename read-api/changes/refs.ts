import { tenantId } from "../../domain/ids.ts";
import type { Queryable } from "../../infra/ports/database.ts";
import { messagesAt } from "../../projections/history/queries.ts";
import type { Seat } from "../../projections/inbox/queries.ts";
import { membersOf } from "../../projections/members/queries.ts";
import { type PersonRow, people } from "../../projections/people/queries.ts";
import { type MarksRow, marksOf } from "../../projections/receipts/queries.ts";
import { type LoadedConversations, loadConversations, openConversations } from "../conversations.ts";
import { forGuest, type LoadedMembers, loadMembers, openMembers } from "../members.ts";
import { type LoadedMessages, loadMessages, openMessages } from "../messages.ts";
import { type Opener, openPeople } from "../openPeople.ts";
import type { Change } from "../shapes.ts";
import {
  conversationChange,
  leftChange,
  meChange,
  memberChange,
  messageChange,
  preferencesChange,
  receiptChange,
  systemChange,
  unreadChange,
  userChange,
} from "./changes.ts";

interface InConversation {
  readonly conversation: string;
}

/** What a change is to be about; what it says is read from the rows as they are. */
export type Ref =
  | { readonly op: "me" }
  | { readonly op: "user"; readonly userId: string }
  | ({ readonly op: "left" } & InConversation)
  | { readonly op: "conversation" | "preferences" | "unread"; readonly seat: Seat }
  /** `plain`: with no more of a member than guests may see. */
  | ({ readonly op: "member"; readonly userId: string; readonly plain: boolean } & InConversation)
  | ({ readonly op: "receipt"; readonly userId: string } & InConversation)
  | ({ readonly op: "message"; readonly seq: number } & InConversation);

/** All that a list of refs takes, read in one snapshot and still sealed. */
export interface LoadedRefs {
  readonly tenant: string;
  readonly userId: string;
  readonly refs: readonly Ref[];
  readonly conversations: LoadedConversations;
  readonly messages: LoadedMessages;
  readonly members: LoadedMembers;
  readonly marks: readonly MarksRow[];
  readonly persons: readonly PersonRow[];
}

const of = <Op extends Ref["op"]>(refs: readonly Ref[], op: Op) =>
  refs.filter((ref): ref is Extract<Ref, { op: Op }> => ref.op === op);

/** A handful of statements, however many refs. */
export async function loadRefs(
  queryable: Queryable,
  { tenant, userId }: { readonly tenant: string; readonly userId: string },
  refs: readonly Ref[],
): Promise<LoadedRefs> {
  const seated = refs.flatMap((ref) => (ref.op === "conversation" ? [{ userId, seat: ref.seat }] : []));
  const persons = new Set(of(refs, "user").map((ref) => ref.userId));
  if (of(refs, "me").length > 0) persons.add(userId);
  return {
    tenant,
    userId,
    refs,
    conversations: await loadConversations(queryable, tenant, seated),
    messages: await loadMessages(queryable, tenant, await messagesAt(queryable, tenant, of(refs, "message"))),
    members: await loadMembers(queryable, tenant, await membersOf(queryable, tenant, of(refs, "member"))),
    marks: await marksOf(queryable, tenant, of(refs, "receipt")),
    persons: await people(queryable, tenant, [...persons]),
  };
}

const key = (conversation: string, what: string | number) => `${conversation}/${what}`;

/** In the order of the refs; without those of which nothing is there. */
export async function openRefs(sealing: Opener, loaded: LoadedRefs): Promise<Change[]> {
  const conversations = new Map(
    (await openConversations(sealing, loaded.conversations)).map((each) => [each.conversationId, each]),
  );
  const messages = new Map(
    (await openMessages(sealing, loaded.messages, null)).map((each) => [key(each.conversationId, each.seq), each]),
  );
  const memberRows = loaded.members.rows;
  const members = new Map(
    (await openMembers(sealing, loaded.members)).flatMap((member, index) => {
      const row = memberRows[index];
      return row ? [[key(row.conversation, row.userId), { row, member }] as const] : [];
    }),
  );
  const marks = new Map(loaded.marks.map((each) => [key(each.conversation, each.userId), each]));
  const opened = await openPeople(sealing, loaded.persons);
  const persons = new Map(
    loaded.persons.flatMap((row, index) => {
      const open = opened[index];
      return open ? [[row.userId, { row, open }] as const] : [];
    }),
  );

  const changeOf = (ref: Ref): Change | undefined => {
    switch (ref.op) {
      case "me": {
        const found = persons.get(loaded.userId);
        return found && meChange(found.row, found.open);
      }
      case "user": {
        const found = persons.get(ref.userId);
        if (!found && ref.userId === tenantId(loaded.tenant)) return systemChange(loaded.tenant);
        return found && userChange(found.row, found.open);
      }
      case "left":
        return leftChange(ref.conversation);
      case "conversation": {
        const found = conversations.get(ref.seat.conversation);
        return found && conversationChange(found);
      }
      case "preferences":
        return preferencesChange(ref.seat);
      case "unread":
        return unreadChange(ref.seat);
      case "member": {
        const found = members.get(key(ref.conversation, ref.userId));
        return found && memberChange(found.row, ref.plain ? forGuest(found.member) : found.member);
      }
      case "receipt": {
        const found = marks.get(key(ref.conversation, ref.userId));
        return found && receiptChange(found);
      }
      case "message": {
        const found = messages.get(key(ref.conversation, ref.seq));
        return found && messageChange(found);
      }
      default:
        return ref satisfies never;
    }
  };
  return loaded.refs.flatMap((ref) => changeOf(ref) ?? []);
}
