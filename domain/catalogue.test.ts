import fc from "fast-check";
import { expect, test } from "vitest";
import { declarationOf, decodeFacts, eventDeclarations, MalformedEvent } from "./catalogue.ts";
import { ConversationCreated, MemberAdded, MessageSent } from "./conversation/events.ts";

const ada = "01890a5d-0000-7000-8000-0000000000a1";
const stored = (type: string, version: number, data: unknown) => ({ type, version, data: JSON.stringify(data) });

test("every type of event stands in the catalogue once", () => {
  const types = eventDeclarations.map(({ type }) => type);
  expect(types.length).toBeGreaterThan(15);
  expect(new Set(types).size).toBe(types.length);
  expect(declarationOf("MessageSent")).toBe(MessageSent);
});

test("every type with personal content says whose it is, and for how long it is kept", () => {
  const sealed = eventDeclarations.filter(({ schema }) => schema.sealed);
  expect(sealed.length).toBeGreaterThan(5);
  for (const { type, under } of sealed)
    expect([type, under?.bucket]).toEqual([type, expect.stringMatching(/day|lasting|original/)]);
});

test("facts are read as they were written", () =>
  fc.assert(
    fc.property(
      fc.uuid(),
      fc.constantFrom("owner", "admin", "member", "guest" as const),
      fc.nat(),
      (userId, role, afterSeq) => {
        const { type, version, data } = MemberAdded({ userId, role, afterSeq });
        expect(decodeFacts(stored(type, version, data))).toEqual({ type, data });
      },
    ),
  ));

test("a conversation of the first version shows a newcomer what comes after joining", () =>
  expect(decodeFacts(stored("ConversationCreated", 1, { kind: "group" }))).toEqual({
    type: "ConversationCreated",
    data: ConversationCreated({ kind: "group", historyVisibility: "joined" }).data,
  }));

test("old and new versions stand side by side", () =>
  expect(decodeFacts(stored("ConversationCreated", 2, { kind: "direct", historyVisibility: "all" }))).toEqual({
    type: "ConversationCreated",
    data: { kind: "direct", historyVisibility: "all" },
  }));

test.each([
  ["MessagePinned", 1],
  ["MessageSent", 2],
  ["ConversationCreated", 3],
])("what a newer program wrote is kept as unknown, never dropped: %s v%i", (type, version) =>
  expect(decodeFacts(stored(type, version, { whatever: true }))).toEqual({ type: "?", data: { type, version } }),
);

test.each([
  ["without a role", { userId: ada, afterSeq: 0 }],
  ["with a role that is none", { userId: ada, role: "king", afterSeq: 0 }],
  ["with a seq that is none", { userId: ada, role: "member", afterSeq: -1 }],
  ["that is no object", "member"],
  ["that is null", null],
])("what is known by type but not of its shape is refused by name: a member %s", (_, data) => {
  expect(() => decodeFacts(stored("MemberAdded", 1, data))).toThrow(MalformedEvent);
  expect(() => decodeFacts(stored("MemberAdded", 1, data))).toThrow("MemberAdded v1");
});

test("what is no JSON, and what is too broken to be lifted to today's version, is refused by name", () => {
  expect(() => decodeFacts({ type: "MemberAdded", version: 1, data: "{" })).toThrow("MemberAdded v1 is not JSON");
  expect(() => decodeFacts(stored("ConversationCreated", 1, 7))).toThrow(MalformedEvent);
});
