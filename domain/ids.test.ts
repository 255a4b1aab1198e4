import { expect, test } from "vitest";
import {
  createdId,
  directConversationId,
  eventId,
  importedConversationId,
  importedMessageId,
  importedUserId,
  parseStreamId,
  streamId,
  tenantId,
} from "./ids.ts";

const conversation = streamId("main", "conversation", "01890a5d-ac96-774b-bcce-b302099a8057");
const ada = "01890a5d-0000-7000-8000-000000000001";
const bo = "01890a5d-0000-7000-8000-000000000002";
const key = "01890a5d-1111-7000-8000-0000000000aa";

test("ids that are derived equal the published vectors", () => {
  expect(eventId(conversation, key, 0)).toBe("f73d6a20-1e59-5e22-a7be-cecd21adecb9");
  expect(eventId(conversation, key, 1)).toBe("5ded021f-09f3-5389-a54e-36179a484c4c");
  expect(directConversationId("main", ada, bo)).toBe("3181acce-1d52-56c4-9008-f1b2dc37f0e5");
  expect(createdId("conversation", "main", ada, key)).toBe("ae6f865c-6021-5daf-8eb6-fe8dbef748ff");
  expect(tenantId("main")).toBe("41eb1994-ad6c-59cf-b468-9ea31613540f");
  expect(importedUserId("main", "U0123")).toBe("3c0c8616-b4cc-5434-97a2-04eba151314b");
  expect(importedConversationId("main", "C0456")).toBe("cfe7c420-5c34-5a18-af47-82a319b43942");
  expect(importedMessageId("C0456", "1355517523.000005")).toBe("9ddf240a-1300-5173-9a0a-8762f99ed137");
});

test("a direct conversation is the same whoever of the two asks", () =>
  expect(directConversationId("main", bo, ada)).toBe(directConversationId("main", ada, bo)));

test("a stream's name gives its parts, and nothing else passes for one", () => {
  expect(parseStreamId(conversation)).toEqual({
    tenant: "main",
    kind: "conversation",
    id: "01890a5d-ac96-774b-bcce-b302099a8057",
  });
  expect(() => parseStreamId("main/secret-1")).toThrow("not a stream");
});
