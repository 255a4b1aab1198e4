import { afterAll, beforeAll, expect, test } from "vitest";
import { after, apiOf, group, type Person, type Sent, send } from "../test/support/apiClient.ts";
import { startInProcess } from "../test/support/inProcess.ts";
import { scripta } from "../test/support/scriptaProcess.ts";

let server: Awaited<ReturnType<typeof startInProcess>>;
let ada: Person;
let tea: string;
let said: Sent;
beforeAll(async () => {
  server = await startInProcess();
  ada = await apiOf(server.url).person("ada");
  tea = await group(ada, [], "Tea");
  said = await send(ada, tea, "said in\nhaste \u001b[31m");
  await ada.put(`/conversations/${tea}/messages/${said.messageId}/reactions/👍`);
  const gone = await ada.delete(`/conversations/${tea}/messages/${said.messageId}`);
  await ada.get("/me", after(gone));
}, 60_000);
afterAll(() => server?.stop());

const show = (...flags: string[]) =>
  scripta(["show", "conversation", tea, ...flags], {
    SCRIPTA_DATA: server.dataFolder,
    SCRIPTA_POSTGRES: server.running.foundation.config.postgres ?? "",
  }).ended;

test("an operator sees a conversation as it is and as it was, and that is written down", async () => {
  const now = await show();
  expect(now.code).toBe(0);
  expect(now.stdout).toContain("Tea, as of");
  const shows = /\(deleted; --position (\d+) shows it\)/.exec(now.stdout)?.[1] ?? "";
  const before = await show("--position", shows);
  expect(before.stdout).toContain("ada:  said in haste \ufffd[31m  👍 1");
  const { rows } = await server.running.foundation.database.query(
    "select actor, action, about->>'position' as position from compliance.access_log order by entry",
  );
  expect(rows).toMatchObject([{ actor: null, action: "read-conversation" }, { position: shows }]);
}, 40_000);

test("what was not there then, and what names no moment, is refused by name", async () => {
  const early = await show("--as-of", "2020-01-01T08:00Z", "--json");
  expect([early.code, early.stderr]).toEqual([1, expect.stringContaining("there was no such conversation")]);
  const vague = await show("--as-of", "yesterday");
  expect([vague.code, vague.stderr]).toEqual([1, expect.stringContaining("--as-of takes a time")]);
}, 40_000);
