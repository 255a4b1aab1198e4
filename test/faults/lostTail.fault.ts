import { afterAll, beforeAll, expect, test } from "vitest";
import { ScriptaClient } from "../../clients/sdk/index.ts";
import { apiOf, passwordOf } from "../support/apiClient.ts";
import { scripta } from "../support/scriptaProcess.ts";
import { actor } from "./harness/actor.ts";
import { type Installation, installation, type Service } from "./harness/installation.ts";
import { randomFrom, seedOfRun } from "./harness/randomFrom.ts";
import { say } from "./harness/table.ts";
import { until } from "./harness/until.ts";

/** Fault 27: the database fails over to a copy that lacks the last commits. */
const random = randomFrom(seedOfRun());

let it: Installation;
let service: Service;
beforeAll(async () => {
  it = await installation();
  service = await it.service();
});
afterAll(() => it?.close());

test("a lost tail is noticed and not served; after the epoch is raised devices start afresh, and send again what they had been promised", async () => {
  const api = apiOf(service.url());
  const [ada, bo] = await Promise.all([api.person("ada"), api.person("bo")]);
  const phone = (username: string) =>
    ScriptaClient.login({
      ...{ url: service.url(), username, password: passwordOf(username) },
      device: { name: "phone", platform: "test" },
    });
  const [adas, bos] = await Promise.all([phone(ada.username), phone(bo.username)]);
  await Promise.all([adas.connect(), bos.connect()]);
  const tea = await adas.group("Tea", [bo.userId]);
  for (let n = 0; n < 10; n++) await adas.send(tea, `kept ${n}`);
  await bos.until(() => bos.messages(tea).length === 10);

  // A standby that has all up to here.
  let putBack = async () => {};
  await it.restartDatabase("fast", async () => {
    putBack = await it.postgres.keep();
  });
  await Promise.all([adas.connect(), bos.connect()]);
  const lost = [];
  for (let n = 0; n < 12; n++) lost.push(await (n % 3 === 0 ? bos : adas).send(tea, `promised ${n}`));
  await Promise.all([adas, bos].map((device) => device.until(() => device.messages(tea).length === 22)));

  await it.restartDatabase("fast", putBack);
  const person = actor(it.recorder, { userId: ada.userId, token: ada.token }, () => service.url());
  const answers: string[] = [];
  // More than once: the first may only have met the moment of the change.
  await until(async () => {
    answers.push((await say(person, tea, "into the void", random)).outcome);
    return answers.filter((answer) => answer === "unknown").length === 10;
  }, "no more service");
  expect(answers).not.toContain("ok");
  expect((await it.log()).at(-1)?.position).toBeLessThan(lost[0]?.position ?? 0);
  await service.kill();
  const dataFolder = service.process().dataFolder;
  const environment = { SCRIPTA_DATA: dataFolder, SCRIPTA_POSTGRES: it.link.url, SCRIPTA_KEYS: it.keysFolder };
  const refused = await scripta(["start"], { ...environment, SCRIPTA_PORT: "0" }).ended;
  expect(refused.code).not.toBe(0);
  expect(refused.stderr).toContain("scripta epoch raise");
  expect(await scripta(["epoch", "raise"], environment).ended).toMatchObject({ code: 0 });
  await service.start();

  const resets = [adas, bos].map((device) => new Promise<void>((resolve) => device.on("reset", () => resolve())));
  await Promise.all([adas.connect(), bos.connect(), ...resets]);
  await Promise.all([adas, bos].map((device) => device.until(() => device.messages(tea).length >= 22, 20_000)));
  const sent = (await it.log()).filter(({ type, stream }) => type === "MessageSent" && stream.endsWith(tea));
  const ids = sent.map(({ data }) => data.target);
  for (const { messageId } of lost) expect(ids.filter((id) => id === messageId)).toHaveLength(1);
  expect(sent.map(({ data }) => data.seq)).toEqual(sent.map((_, n) => n + 1));
  expect(adas.messages(tea).map(({ messageId }) => messageId)).toEqual(
    bos.messages(tea).map(({ messageId }) => messageId),
  );
  await Promise.all([adas.close(), bos.close()]);
  // The clients of this test are not taken down, so that the checker would know none of it but the replay.
  expect((await it.history()).readModels.filter(({ live, replayed }) => live !== replayed)).toEqual([]);
});
