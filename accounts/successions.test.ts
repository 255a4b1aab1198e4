import { afterAll, beforeAll, expect, test } from "vitest";
import { CreateConversation } from "../commands/conversation/createConversation.ts";
import { RemoveMember } from "../commands/conversation/removeMember.ts";
import type { By } from "../domain/by.ts";
import { streamId } from "../domain/ids.ts";
import { done, type Installation, newInstallation, startAccounts, until } from "../test/support/accounts.ts";
import { recordedIn } from "../test/support/engines.ts";
import { Deactivate } from "./doors/admin.ts";
import { eraseAccount } from "./eraseAccount.ts";

let installation: Installation;
let server: Awaited<ReturnType<typeof startAccounts>>;
let other: Awaited<ReturnType<typeof startAccounts>>;
let admin: By;

beforeAll(async () => {
  installation = await newInstallation();
  server = await startAccounts(installation);
  other = await startAccounts(installation);
  admin = await server.by((await server.admin()).accessToken);
});
afterAll(async () => {
  await other.stop();
  await server.stop();
  await installation.db.drop();
});

/** A group of the first one's, with the others as they are named. */
async function group(...people: readonly [name: string, role: "owner" | "admin" | "member"][]) {
  const signedIn = await Promise.all(people.map(([name]) => server.person(name)));
  const members = people.slice(1).map(([, role], at) => ({ userId: signedIn[at + 1]?.userId, role }));
  const by = await server.by(signedIn[0]?.accessToken ?? "");
  const payload = CreateConversation.payload.parse({ kind: "group", name: "tea", members });
  const { conversationId } = CreateConversation.result.parse(
    done(await CreateConversation.door.run(payload, by, server.engine)),
  );
  return { conversationId, by, userIds: signedIn.map(({ userId }) => userId) };
}

const roleChanges = async (conversationId: string) =>
  (await recordedIn(server.engine.log, streamId("main", "conversation", conversationId)))
    .filter(({ type }) => type === "MemberRoleChanged")
    .map(({ data }) => JSON.parse(data));
const owed = async () => (await installation.db.database.query("select from accounts.successions")).rowCount;
const settled = (conversationId: string) =>
  until(async () => (await roleChanges(conversationId)).length > 0 && (await owed()) === 0, "somebody succeeded");

test("the group of a deactivated owner goes on with the admin as owner, once, however many processes look", async () => {
  const { conversationId, userIds } = await group(["ada", "owner"], ["cy", "member"], ["bo", "admin"]);
  done(await Deactivate.run({ userId: userIds[0] ?? "" }, admin, server.parts));
  await settled(conversationId);
  const successor = [{ userId: userIds[2], role: "owner" }];
  expect(await roleChanges(conversationId)).toEqual(successor);
  // Told again of what was done long ago, as after a crash.
  for (const process of [server, other])
    await process.parts.successions.owe({ tenant: "main", userId: userIds[0] ?? "", position: 1 });
  await until(async () => (await owed()) === 0, "what was owed again is done");
  expect(await roleChanges(conversationId)).toEqual(successor);
});

test("what a killed process left undone is done at the next start", async () => {
  const { conversationId, userIds } = await group(["dee", "owner"], ["eve", "member"]);
  const [dee = "", eve] = userIds;
  const { database } = installation.db;
  await database.query("update accounts.accounts set deactivated = true where user_id = $1", [dee]);
  await database.query("insert into accounts.successions values ('main', $1, 1)", [dee]);
  const third = await startAccounts(installation);
  await settled(conversationId);
  await third.stop();
  expect(await roleChanges(conversationId)).toEqual([{ userId: eve, role: "owner" }]);
});

test("the group of an erased owner gets another, too", async () => {
  const { conversationId, userIds } = await group(["fay", "owner"], ["gil", "member"]);
  expect(await eraseAccount(server.parts, "main", userIds[0] ?? "")).toBeUndefined();
  await settled(conversationId);
  expect(await roleChanges(conversationId)).toEqual([{ userId: userIds[1], role: "owner" }]);
});

test("an owner beside a deactivated one cannot leave without a successor", async () => {
  const { conversationId, by, userIds } = await group(["hal", "owner"], ["ida", "owner"], ["jo", "member"]);
  done(await Deactivate.run({ userId: userIds[1] ?? "" }, admin, server.parts));
  const leaving = { conversationId, userId: by.userId };
  expect(await RemoveMember.door.run(leaving, by, server.engine)).toMatchObject({ rejected: "conflict" });
});
