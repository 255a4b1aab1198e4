import { afterAll, expect, test } from "vitest";
import { z } from "zod";
import { after, type Body, group, passwordOf, send } from "../../test/support/apiClient.ts";
import { liveSocket } from "../../test/support/apiSocket.ts";
import { startWithOfficer } from "../../test/support/officer.ts";
import { parseNote, parseVerifierKey, verifiedText } from "../verifier/note.ts";

const { server, api, officer, erasure } = await startWithOfficer();
afterAll(() => server.stop());

const SWEPT = [
  ["sign-in", 1],
  ["messages", 1],
  ["reactions", 1],
  ["names", 0],
  ["profile", 1],
  ["presence", 0],
  ["exports", 0],
] as const;
const reason = "asked for it by letter";

async function erased(userId: string): Promise<Body> {
  const asked = await officer.post("/compliance/erasures", { userId, reason });
  expect(asked).toMatchObject({ status: 202, body: { status: "running" } });
  return erasure(asked.body.erasureId, ({ status, certificate }) => status === "done" && certificate !== null);
}

test("an erased person is gone from every answer, devices are told once, and a group that was theirs alone goes on", async () => {
  const [ada, bo] = await Promise.all([api.person("lovelace"), api.person("bo")]);
  const here = await group(ada, [bo], "The lovelace room");
  const said = await send(ada, here, "the word of ada");
  const boSaid = await send(bo, here, "ada said so");
  await ada.put(`/conversations/${here}/messages/${boSaid.messageId}/reactions/👍`);
  await bo.get("/me", after(said));
  const socket = await liveSocket(server.url, bo.token);

  const report = await erased(ada.userId);
  expect(report).toMatchObject({ userId: ada.userId, namesToReview: [here], finalAt: null, heldBy: [] });
  expect(report.sinks).toEqual(
    SWEPT.map(([name, items]) => ({
      name,
      status: "done",
      items,
      doneAt: expect.any(String),
    })),
  );
  const served = await (await fetch(`${server.url}/tlog/key`)).text();
  const keys = served.trim().split("\n").map(parseVerifierKey);
  const text = await verifiedText(parseNote(String(report.certificate)), keys);
  expect(text?.split("\n")).toEqual([
    "scripta/erasure/v1",
    `erasure ${report.erasureId}`,
    `person ${ada.userId}`,
    expect.stringMatching(/^requested \d{4}-/),
    `effective ${report.effectiveAt}`,
    "final pending",
    ...SWEPT.map(([name, items]) => `sink ${name} ${items}`),
    expect.stringMatching(/^position \d+$/),
    expect.stringMatching(/^checkpoint \d+ [\w+/]{43}=$/),
    "",
  ]);
  await socket.change("user", ({ userId, erased: gone }) => userId === ada.userId && gone === true);

  const at = after({ position: z.int().parse(report.position) });
  expect((await bo.get(`/conversations/${here}/messages/${said.messageId}`, at)).body).toMatchObject({
    text: null,
    deleted: true,
    erased: true,
    senderId: ada.userId,
  });
  expect((await bo.get(`/conversations/${here}/messages/${boSaid.messageId}`, at)).body).toMatchObject({
    text: "ada said so",
    reactions: [],
  });
  expect((await bo.get(`/users/${ada.userId}`)).body).toMatchObject({
    username: null,
    displayName: null,
    erased: true,
  });
  expect((await bo.get(`/conversations/${here}`)).body).toMatchObject({ name: "The lovelace room", role: "owner" });
  expect((await bo.get("/sync")).body).toMatchObject({ reset: true });
  expect(JSON.stringify((await bo.get("/sync")).body)).not.toContain("the word of ada");
  expect((await ada.get("/me")).status).toBe(401);
  const again = { username: ada.username, password: passwordOf(ada.username), device: { name: "x", platform: "test" } };
  expect((await api.ask("POST", "/auth/login", { body: again })).status).toBe(401);
  const taken = { username: ada.username, password: passwordOf(ada.username), displayName: "Ada" };
  expect((await api.ask("POST", "/auth/register", { body: taken })).status).toBe(409);
  expect((await bo.get(`/users?username=${ada.username}`)).body).toMatchObject({ items: [] });
  await socket.close();
}, 40_000);
