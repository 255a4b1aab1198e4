import { expect, test } from "vitest";
import {
  ada,
  bo,
  cy,
  deleted,
  direct,
  edited,
  gus,
  left,
  lunch,
  reacted,
  said,
  zoe,
} from "../../test/support/lunch.ts";
import { placed } from "../event.ts";
import { evolve, newConversation } from "./conversation.ts";
import {
  ConversationDescribed,
  type ConversationEvent,
  ConversationPictured,
  ConversationRenamed,
  HistoryVisibilityChanged,
  MemberAdded,
  MemberPreferencesChanged,
  MemberRoleChanged,
} from "./events.ts";

function after(...events: readonly ConversationEvent[]) {
  const conversation = newConversation();
  for (const [revision, event] of events.entries()) evolve(conversation, placed<ConversationEvent>(event, revision));
  return conversation;
}

test("before its first event it is none", () =>
  expect(after()).toMatchObject({ kind: "none", createdAt: -1, lastSeq: 0 }));

test("is a group or a direct one, and says since when", () => {
  expect(after(...lunch)).toMatchObject({ kind: "group", createdAt: 0, nameAt: 1, historyVisibility: "joined" });
  expect(after(...direct)).toMatchObject({ kind: "direct", createdAt: 0, nameAt: -1 });
});

test("keeps its members in the order of joining, each with a role", () =>
  expect(
    [...after(...lunch, left(bo), MemberAdded({ userId: bo, role: "member", afterSeq: 0 })).members].map(
      ([id, { role }]) => [id, role],
    ),
  ).toEqual([
    [ada, "owner"],
    [cy, "member"],
    [gus, "guest"],
    [bo, "member"],
  ]));

test("remembers all memberships of those who left and came back", () => {
  const conversation = after(
    ...lunch,
    said(),
    left(cy, 1),
    said({ seq: 2, authorId: ada }),
    MemberAdded({ userId: cy, role: "member", afterSeq: 2 }),
  );
  expect(conversation.members.get(cy)?.memberships).toEqual([
    { afterSeq: 0, lastSeq: 1 },
    { afterSeq: 2, lastSeq: null },
  ]);
  expect(conversation.former.size).toBe(0);
  expect(after(...lunch, left(cy, 1)).former.get(cy)).toEqual([{ afterSeq: 0, lastSeq: 1 }]);
});

test("whoever comes back begins anew: with the role given, and told of everything", () => {
  const muted = MemberPreferencesChanged({ userId: cy, notify: "none", mutedUntil: "2026-11-22T08:00:00.000Z" });
  expect(after(...lunch, muted).members.get(cy)).toMatchObject({ notify: "none", preferencesAt: 6 });
  const back = after(...lunch, muted, left(cy), MemberAdded({ userId: cy, role: "admin", afterSeq: 0 }));
  expect(back.members.get(cy)).toMatchObject({
    role: "admin",
    roleAt: 8,
    notify: "all",
    mutedUntil: null,
    preferencesAt: 8,
  });
});

test("each setting says which event made it so", () =>
  expect(
    after(
      ...lunch,
      ConversationRenamed({}, { name: "tea" }),
      ConversationDescribed({}, { description: "at two" }),
      ConversationPictured({ avatar: zoe }),
      HistoryVisibilityChanged({ historyVisibility: "all" }),
      MemberRoleChanged({ userId: cy, role: "admin" }),
    ),
  ).toMatchObject({
    nameAt: 6,
    descriptionAt: 7,
    avatar: zoe,
    avatarAt: 8,
    historyVisibility: "all",
    historyVisibilityAt: 9,
  }));

test("messages leave nothing but the last seq: a long conversation is as small as a new one", () => {
  const quiet = after(...lunch);
  const busy = after(...lunch, said(), edited("at six"), reacted(ada), deleted(), said({ seq: 2 }));
  expect(busy).toEqual({ ...quiet, lastSeq: 2 });
});

test("what concerns somebody who is not there changes nothing", () =>
  expect(
    after(
      ...lunch,
      MemberRoleChanged({ userId: zoe, role: "owner" }),
      left(zoe),
      MemberPreferencesChanged({ userId: zoe, notify: "none", mutedUntil: null }),
    ),
  ).toEqual(after(...lunch)));
