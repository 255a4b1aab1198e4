import { describe, expect, test } from "vitest";
import {
  HistoryVisibilityChanged,
  MemberAdded,
  MemberRemoved,
  MemberRoleChanged,
} from "../domain/conversation/events.ts";
import { streamId } from "../domain/ids.ts";
import type { Logged } from "../projections/logged.ts";
import { Audience } from "./audience.ts";
import type { Belonging } from "./changeSource.ts";

const room = "01890a5d-0000-7000-8000-00000000000a";
const [ada, bo] = ["01890a5d-0000-7000-8000-000000000001", "01890a5d-0000-7000-8000-000000000002"];

const at = <Facts extends object>(position: number, facts: Facts) => ({
  ...facts,
  id: "",
  stream: streamId("main", "conversation", room),
  tenant: "main",
  kind: "conversation" as const,
  of: room,
  revision: position,
  position,
  recordedAt: 0,
  commandId: "",
  version: 1,
  sealed: null,
});

const belonging = (afterSeq: number, role: Belonging["role"] = "member"): Belonging => ({
  conversationId: room,
  role,
  memberships: [{ afterSeq, lastSeq: null }],
  historyVisibility: "joined",
  memberCount: 2,
  lastSeq: 20,
});

function seated(): Audience {
  const audience = new Audience();
  audience.seat("main", ada, 100, [belonging(0, "owner")]);
  return audience;
}

const fold = (audience: Audience, event: Logged) => audience.fold(event);

describe("the audience of a conversation", () => {
  test("is those of the connected who are members, and of a message those who see it", () => {
    const audience = seated();
    audience.seat("main", bo, 100, [belonging(10)]);
    expect(audience.of("main", room)).toEqual([`main/${ada}`, `main/${bo}`]);
    expect(audience.of("main", room, 5)).toEqual([`main/${ada}`]);
    fold(audience, at(101, HistoryVisibilityChanged({ historyVisibility: "all" })));
    expect(audience.of("main", room, 5)).toEqual([`main/${ada}`, `main/${bo}`]);
  });

  test("follows who comes and goes, from the position that was read on", () => {
    const audience = seated();
    audience.seat("main", bo, 100, []);
    expect(fold(audience, at(90, MemberAdded({ userId: bo, role: "member", afterSeq: 3 })))).toEqual({});
    expect(audience.isMember(`main/${bo}`, "main", room)).toBe(false);
    expect(fold(audience, at(101, MemberAdded({ userId: bo, role: "member", afterSeq: 3 })))).toEqual({
      joined: `main/${bo}`,
    });
    expect(audience.of("main", room, 3)).toEqual([`main/${ada}`]);
    expect(audience.of("main", room, 4)).toEqual([`main/${ada}`, `main/${bo}`]);
    expect(audience.memberCount("main", room)).toBe(3);
    expect(fold(audience, at(102, MemberRemoved({ userId: bo, lastSeq: 4 })))).toEqual({ left: `main/${bo}` });
    expect(audience.of("main", room)).toEqual([`main/${ada}`]);
  });

  test("forgets whoever is no longer connected, and rooms that nobody here is in", () => {
    const audience = seated();
    expect(audience.isEmpty("main", room)).toBe(false);
    audience.forget(`main/${ada}`);
    expect(audience.knows(`main/${ada}`)).toBe(false);
    expect(audience.isEmpty("main", room)).toBe(true);
    expect(fold(audience, at(103, MemberAdded({ userId: ada, role: "member", afterSeq: 0 })))).toEqual({});
  });

  test("knows who is a guest in it", () => {
    const audience = seated();
    expect(audience.isGuest(`main/${ada}`, "main", room)).toBe(false);
    fold(audience, at(101, MemberRoleChanged({ userId: ada, role: "guest" })));
    expect(audience.isGuest(`main/${ada}`, "main", room)).toBe(true);
  });

  test("is of one tenant", () => {
    const audience = seated();
    expect(audience.of("other", room)).toEqual([]);
    expect(audience.isMember(`main/${ada}`, "other", room)).toBe(false);
  });
});
