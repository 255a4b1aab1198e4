import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { apiOf, group, type Person, passwordOf } from "../support/apiClient.ts";
import { liveSocket } from "../support/apiSocket.ts";
import { startInProcess } from "../support/inProcess.ts";

let server: Awaited<ReturnType<typeof startInProcess>>;
let api: ReturnType<typeof apiOf>;
beforeAll(async () => {
  server = await startInProcess({ SCRIPTA_BOOTSTRAP_ADMIN: `root:${passwordOf("root")}` });
  api = apiOf(server.url);
}, 60_000);
afterAll(() => server?.stop());

async function owns(person: Person, conversationId: string): Promise<void> {
  const until = performance.now() + 5_000;
  while ((await person.get(`/conversations/${conversationId}`)).body.role !== "owner") {
    if (performance.now() > until) throw new Error("nobody succeeded within 5 s");
    await pause(20);
  }
}

test("a group whose owner is deactivated has another soon, who is told, governs it, and cannot leave it alone", async () => {
  const [ada, bo, cy] = await Promise.all([api.person("ada"), api.person("bo"), api.person("cy")]);
  const conversationId = await group(ada, [cy, [bo, "admin"]]);
  const socket = await liveSocket(server.url, bo.token);
  expect((await (await api.login("root")).post(`/admin/users/${ada.userId}/deactivate`)).status).toBe(200);
  await owns(bo, conversationId);
  await socket.change("member", ({ userId, member }) => userId === bo.userId && /owner/.test(JSON.stringify(member)));
  expect((await bo.patch(`/conversations/${conversationId}/members/${cy.userId}`, { role: "owner" })).status).toBe(200);
  expect((await cy.delete(`/conversations/${conversationId}/members/${bo.userId}`)).status).toBe(200);
  expect(await cy.delete(`/conversations/${conversationId}/members/${cy.userId}`)).toMatchObject({ status: 409 });
  await socket.close();
});
