import { describe, expect, test } from "vitest";
import { evolve, newConversation } from "../../domain/conversation/conversation.ts";
import { type ConversationEvent, MemberAdded, MemberRoleChanged } from "../../domain/conversation/events.ts";
import { placed } from "../../domain/event.ts";
import { ada, bo, cy, direct, gus, left, lunch, zoe } from "../../test/support/lunch.ts";
import type { Account } from "../engine/deciding.ts";
import { decideSuccession } from "./succeedOwner.ts";

const open: Account = { guest: false, deactivated: false, erased: false };
const deactivated = { ...open, deactivated: true };
const erased = { ...open, erased: true };
const guest = { ...open, guest: true };

/** Everybody's account is open, but for those named. */
function decided(history: readonly ConversationEvent[], accounts: Readonly<Record<string, Account | undefined>>) {
  const state = newConversation();
  for (const [revision, event] of history.entries()) evolve(state, placed(event, revision));
  return decideSuccession(state, { account: (userId) => (userId in accounts ? accounts[userId] : open) });
}
const succeeds = (userId: string) => [MemberRoleChanged({ userId, role: "owner" })];

describe("a group whose owners are gone", () => {
  test.each([
    ["deactivated", deactivated],
    ["erased", erased],
  ])("because they were %s goes to the longest-standing admin", (_, gone) => {
    expect(decided(lunch, { [ada]: gone })).toEqual(succeeds(bo));
    const later = [...lunch, MemberAdded({ userId: zoe, role: "admin", afterSeq: 0 })];
    expect(decided(later, { [ada]: gone })).toEqual(succeeds(bo));
    expect(decided(later, { [ada]: gone, [bo]: gone })).toEqual(succeeds(zoe));
  });

  test("goes to a member where there is no admin, else to a guest", () => {
    expect(decided([...lunch, left(bo)], { [ada]: deactivated })).toEqual(succeeds(cy));
    expect(decided([...lunch, left(bo), left(cy)], { [ada]: deactivated })).toEqual(succeeds(gus));
  });

  test("counts how long somebody is there this time", () => {
    const back = [...lunch, left(cy), MemberAdded({ userId: zoe, role: "member", afterSeq: 0 })];
    const again = [...back, MemberAdded({ userId: cy, role: "member", afterSeq: 0 }), left(bo)];
    expect(decided(again, { [ada]: deactivated })).toEqual(succeeds(zoe));
  });

  test("takes an account marked as guest for a guest, whatever its role", () =>
    expect(decided(lunch, { [ada]: deactivated, [bo]: guest })).toEqual(succeeds(cy)));

  test("goes to nobody where nobody is left, or nobody is known", () => {
    const gone = { [ada]: deactivated, [bo]: deactivated, [cy]: erased };
    expect(decided(lunch, { ...gone, [gus]: erased })).toEqual({ unchanged: 0 });
    expect(decided(lunch, { ...gone, [gus]: undefined })).toEqual({ unchanged: 0 });
  });
});

describe("a conversation stays as it is", () => {
  test("while an owner's account is open, that of a successor, too", () => {
    expect(decided(lunch, { [bo]: deactivated })).toEqual({ unchanged: 0 });
    const succeeded = [...lunch, ...succeeds(bo)];
    expect(decided(succeeded, { [ada]: deactivated })).toEqual({ unchanged: 0 });
    expect(decided(succeeded, { [ada]: deactivated, [bo]: deactivated })).toEqual(succeeds(cy));
  });

  test("where it is direct", () => expect(decided(direct, { [ada]: deactivated })).toEqual({ unchanged: 0 }));

  test("where there is none", () => expect(decided([], {})).toMatchObject({ rejected: "not-found" }));
});
