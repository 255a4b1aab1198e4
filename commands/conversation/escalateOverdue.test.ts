import { describe, expect, test } from "vitest";
import { evolve, newConversation } from "../../domain/conversation/conversation.ts";
import {
  AcknowledgementFellDue,
  AcknowledgementRequested,
  type ConversationEvent,
  MemberAdded,
  MessageAcknowledged,
  systemMessage,
} from "../../domain/conversation/events.ts";
import { placed } from "../../domain/event.ts";
import { tenantId } from "../../domain/ids.ts";
import { NOW } from "../../test/support/given.ts";
import { ada, bo, cy, deleted, gus, left, lunch, messageId, said, zoe } from "../../test/support/lunch.ts";
import type { Account } from "../engine/deciding.ts";
import { decideOverdue } from "./escalateOverdue.ts";

const userId = tenantId("main");
const notice = "01890a5d-3333-7000-8000-000000000001";
const open: Account = { guest: false, deactivated: false, erased: false };

/** Cy asked everybody at lunch; Bo is to be told. */
const asked = (escalateTo: string[] = [bo], ackBy = NOW.toISOString()) =>
  AcknowledgementRequested({ target: messageId, seq: 1, authorId: cy, ackBy, escalateTo });
const by = (person: string) =>
  MessageAcknowledged({ target: messageId, seq: 1, userId: person, at: "2026-11-21T07:00:00.000Z" });

const fellDue = (missing: string[], told: string[]) =>
  AcknowledgementFellDue({
    target: messageId,
    seq: 1,
    authorId: cy,
    missing,
    told,
    ...(told.length > 0 ? { notice } : {}),
  });
const telling = (told: string[]) =>
  systemMessage({
    target: notice,
    seq: 2,
    authorId: userId,
    sentAt: NOW.toISOString(),
    replyTo: messageId,
    mentions: told,
  });

function decided(history: readonly ConversationEvent[], accounts: Readonly<Record<string, Partial<Account>>> = {}) {
  const state = newConversation();
  const past = history.map((event, revision) => placed(event, revision));
  for (const event of past) evolve(state, event);
  const met = {
    eventsAbout: (id: string) => past.filter(({ data }) => "target" in data && data.target === id),
    account: (id: string) => ({ ...open, ...accounts[id] }),
  };
  return decideOverdue(state, messageId, { userId, now: NOW, met, notice });
}

describe("when the time to acknowledge a message comes", () => {
  test("those who were to know are told, by a message that mentions them, who has not", () =>
    expect(decided([...lunch, said(), asked(), by(ada)])).toEqual([telling([bo]), fellDue([bo, gus], [bo])]));

  test("nobody is told where everybody has", () =>
    expect(decided([...lunch, said(), asked(), by(ada), by(bo), by(gus)])).toEqual([fellDue([], [])]));

  test("nobody is told where nobody was to be, and it is still written down", () =>
    expect(decided([...lunch, said(), asked([]), by(ada), by(bo)])).toEqual([fellDue([gus], [])]));

  test("nothing happens before, nor a second time, nor about a message that was deleted", () => {
    expect(decided([...lunch, said(), asked([bo], "2026-11-21T08:00:00.001Z")])).toEqual({ unchanged: 6 });
    expect(decided([...lunch, said(), asked(), fellDue([ada], [bo])])).toEqual({ unchanged: 8 });
    expect(decided([...lunch, said(), asked(), deleted()])).toEqual({ unchanged: 8 });
    expect(decided([...lunch, said()])).toEqual({ unchanged: 6 });
    expect(decided([...lunch])).toMatchObject({ rejected: "not-found" });
  });

  test("who left, came later, or has no open account is not named", () => {
    const after = [said(), asked(), MemberAdded({ userId: zoe, role: "member", afterSeq: 1 }), left(gus, 1)];
    expect(decided([...lunch, ...after])).toEqual([telling([bo]), fellDue([ada, bo], [bo])]);
    const gone = { [ada]: { erased: true }, [gus]: { deactivated: true } };
    expect(decided([...lunch, said(), asked()], gone)).toEqual([telling([bo]), fellDue([bo], [bo])]);
  });

  test("its author is told where nobody is left of those who were to be", () => {
    expect(decided([...lunch, said(), asked(), left(bo, 1)])).toEqual([telling([cy]), fellDue([ada, gus], [cy])]);
    expect(decided([...lunch, said(), asked()], { [bo]: { erased: true } })).toEqual([
      telling([cy]),
      fellDue([ada, gus], [cy]),
    ]);
    expect(decided([...lunch, said(), asked(), left(bo, 1), left(cy, 1)])).toEqual([fellDue([ada, gus], [])]);
  });

  test("nobody is named for what an erased person wrote: nothing of it is left to acknowledge", () =>
    expect(decided([...lunch, said(), asked()], { [cy]: { erased: true } })).toEqual([fellDue([], [])]));
});
