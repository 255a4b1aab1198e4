import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { apiOf, group, type Person, send } from "../support/apiClient.ts";
import { liveSocket } from "../support/apiSocket.ts";
import { type CuttableLink, cuttableLink } from "../support/cuttableLink.ts";
import { startInProcess } from "../support/inProcess.ts";

let server: Awaited<ReturnType<typeof startInProcess>>;
let link: CuttableLink;
let ada: Person;
let place: string;
beforeAll(async () => {
  server = await startInProcess({}, async (url) => {
    link = await cuttableLink(url);
    return link.url;
  });
  ada = await apiOf(server.url).person("ada");
  place = await group(ada);
}, 60_000);
afterAll(async () => {
  await server?.stop();
  link?.close();
});

test("while the database is away every door says so, by its code and in its words, and goes on when it is back", async () => {
  const socket = await liveSocket(server.url, ada.token);
  // Whatever was told before this is told: nothing is under way that the outage could break off.
  await ada.patch("/me", { displayName: "Ada I" });
  await socket.change("user", ({ displayName }) => displayName === "Ada I");
  const at = `/conversations/${place}`;
  await link.cutWhile(
    (async () => {
      const answers = [
        await ada.get("/conversations"),
        await ada.get(`${at}/messages`),
        await ada.get("/sync"),
        await ada.get("/me"),
        await ada.post(`${at}/messages`, { messageId: randomUUID(), text: "hello" }),
        await ada.post(`${at}/read`, { seq: 0 }),
        await ada.patch("/me", { displayName: "Ada II" }),
      ];
      for (const { body } of answers) {
        expect(body).toMatchObject({ status: 503, code: "unavailable", detail: expect.any(String) });
        expect(body.detail).not.toContain("went wrong");
      }
      const answer = await socket.command("MarkRead", { conversationId: place, seq: 0 });
      expect(answer).toMatchObject({ type: "reject", code: "unavailable" });
      expect(answer.detail).not.toContain("went wrong");
    })(),
  );
  await expect.poll(async () => (await ada.get("/conversations")).status, { timeout: 10_000 }).toBe(200);
  await send(ada, place, "back");
}, 60_000);
