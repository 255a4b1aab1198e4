import fc from "fast-check";
import { expect, test } from "vitest";
import { z } from "zod";
import { Conversation, evolve, newConversation } from "../../domain/conversation/conversation.ts";
import {
  ConversationCreated,
  type ConversationEvent,
  MemberAdded,
  MemberPreferencesChanged,
  MemberRemoved,
  MemberRoleChanged,
} from "../../domain/conversation/events.ts";
import { placed } from "../../domain/event.ts";
import { newTenant, Tenant } from "../../domain/tenant/tenant.ts";
import { newUser, User } from "../../domain/user/user.ts";
import { readState, shapeOf, writeState } from "./storedState.ts";

const fold = (state: Conversation, events: readonly ConversationEvent[]) => {
  for (const [revision, event] of events.entries()) evolve(state, placed(event, revision));
  return state;
};

const people = Array.from({ length: 5 }, () => crypto.randomUUID());
const aPerson = fc.constantFrom(...people);
const anEvent: fc.Arbitrary<ConversationEvent> = fc.oneof(
  aPerson.map((userId) => MemberAdded({ userId, role: "member", afterSeq: 3 })),
  aPerson.map((userId) => MemberRemoved({ userId, lastSeq: 5 })),
  aPerson.map((userId) => MemberRoleChanged({ userId, role: "admin" })),
  aPerson.map((userId) => MemberPreferencesChanged({ userId, notify: "none", mutedUntil: null })),
);
const group = ConversationCreated({ kind: "group", historyVisibility: "all" });

test("a state is read as it was written, at the moment when its writing began, whatever happens meanwhile", () =>
  fc.assert(
    fc.asyncProperty(fc.array(anEvent), fc.array(anEvent), async (before, meanwhile) => {
      const state = fold(newConversation(), [group, ...before]);
      const writing = writeState(state);
      fold(state, meanwhile);
      const expected = fold(newConversation(), [group, ...before]);
      const read = await readState(Conversation, await writing);
      expect(read).toEqual(expected);
      expect([...(read?.members.keys() ?? [])]).toEqual([...expected.members.keys()]);
    }),
  ));

test("a large state is written and read in pieces, between which everything else goes on", async () => {
  const joins = Array.from({ length: 30_000 }, () =>
    MemberAdded({ userId: crypto.randomUUID(), role: "member", afterSeq: 0 }),
  );
  const state = fold(newConversation(), joins);
  let turns = 0;
  let ended = false;
  const tick = () => {
    turns++;
    if (!ended) setImmediate(tick);
  };
  tick();
  const parts = await writeState(state);
  expect(parts.length).toBe(30);
  expect(turns).toBeGreaterThanOrEqual(parts.length);
  const read = await readState(Conversation, parts);
  ended = true;
  expect(turns).toBeGreaterThanOrEqual(2 * (parts.length - 1));
  expect(read).toEqual(state);
});

test("what changes while a large state is written is not in it", async () => {
  const users = Array.from({ length: 5_000 }, () => crypto.randomUUID());
  const joins = users.map((userId) => MemberAdded({ userId, role: "member", afterSeq: 0 }));
  const state = fold(newConversation(), joins);
  const writing = writeState(state);
  fold(
    state,
    users.flatMap((userId) => [MemberRoleChanged({ userId, role: "admin" }), MemberRemoved({ userId, lastSeq: 9 })]),
  );
  expect(await readState(Conversation, await writing)).toEqual(fold(newConversation(), joins));
});

test("every aggregate's new state is read as it was written", async () => {
  expect(await readState(User, await writeState(newUser()))).toEqual(newUser());
  expect(await readState(Tenant, await writeState(newTenant()))).toEqual(newTenant());
});

test("any change of a state's schema changes the name of its shape", () => {
  const shape = z.object({ at: z.int(), people: z.map(z.string(), z.object({ role: z.string() })) });
  const others = [
    z.object({ at: z.string(), people: z.map(z.string(), z.object({ role: z.string() })) }),
    z.object({ at: z.int(), people: z.map(z.string(), z.object({ role: z.string(), since: z.int() })) }),
    z.object({ at: z.int(), people: z.map(z.string(), z.object({ role: z.string().nullable() })) }),
    z.object({ at: z.int(), folk: z.map(z.string(), z.object({ role: z.string() })) }),
    z.object({ at: z.int() }),
  ];
  expect(new Set([shape, ...others].map(shapeOf)).size).toBe(others.length + 1);
  expect(shapeOf(z.object({ ...shape.shape }))).toBe(shapeOf(shape));
});
