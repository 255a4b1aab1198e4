import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { apiOf, passwordOf } from "../support/apiClient.ts";
import { actor } from "./harness/actor.ts";
import { type Installation, installation, type Service } from "./harness/installation.ts";
import { randomFrom, seedOfRun } from "./harness/randomFrom.ts";
import { steppedClock } from "./harness/steppedClock.ts";
import { say, tableOf } from "./harness/table.ts";
import { until } from "./harness/until.ts";

/** Fault 14: the server's clock steps by an hour, ahead and back. */
const random = randomFrom(seedOfRun());
const HOUR_MS = 3_600_000;
const clock = steppedClock();

let it: Installation;
let service: Service;
beforeAll(async () => {
  it = await installation();
  service = await it.service(clock.environment);
});
afterAll(async () => {
  await it?.close();
  await clock.remove();
});

const Pair = z.object({ accessToken: z.string(), refreshToken: z.string() });

test("order is untouched, tokens end as their own time says, and nobody is signed out for good", async () => {
  const api = apiOf(service.url());
  const person = await api.person("ada");
  const me = async (token: string) => (await api.ask("GET", "/me", { token })).status;
  const renewed = async (refreshToken: string) => {
    const { status, body } = await api.ask("POST", "/auth/refresh", { body: { refreshToken } });
    return { status, ...(status === 200 ? Pair.parse(body) : { accessToken: "", refreshToken: "" }) };
  };
  const served = async (token: string, status: number, what: string) =>
    until(async () => (await me(token)) === status, what);

  const early = actor(it.recorder, person, () => service.url());
  const tea = await tableOf([early], random);
  const before = Array.from({ length: 5 }, (_, n) => () => say(early, tea, `before ${n}`, random));
  for (const send of before) expect((await send()).outcome).toBe("ok");

  await clock.step(HOUR_MS);
  await served(person.token, 401, "the end of a token of 15 minutes, an hour on");
  const ahead = await renewed(person.refreshToken);
  expect(ahead.status).toBe(200);
  const later = actor(it.recorder, { userId: person.userId, token: ahead.accessToken }, () => service.url());
  for (let n = 0; n < 5; n++) expect((await say(later, tea, `ahead ${n}`, random)).outcome).toBe("ok");

  await clock.step(0);
  await until(
    async () => (await say(early, tea, "the first token lives again", random)).outcome === "ok",
    "the clock put back",
  );
  // One from the hour that was taken back ends when it says, and can be renewed now.
  expect(await me(ahead.accessToken)).toBe(200);
  const back = await renewed(ahead.refreshToken);
  expect(back.status).toBe(200);

  await clock.step(-HOUR_MS);
  const device = it.device({ userId: person.userId, token: back.accessToken }, "ada's phone");
  expect(await device.connect(service.url())).toBe(true);
  const last = actor(it.recorder, { userId: person.userId, token: back.accessToken }, () => service.url());
  for (let n = 0; n < 5; n++) expect((await say(last, tea, `behind ${n}`, random)).outcome).toBe("ok");
  const body = {
    username: person.username,
    password: passwordOf(person.username),
    device: { name: "new", platform: "test" },
  };
  expect((await api.ask("POST", "/auth/login", { body })).status).toBe(200);

  const sent = it.recorder.attempts.filter(({ name, outcome }) => name === "SendMessage" && outcome === "ok");
  expect(sent.map(({ answer }) => answer?.seq)).toEqual(sent.map((_, n) => n + 1));
  await until(() => device.state.conversations.get(tea)?.messages.size === sent.length, "all messages on the device");
  const { log } = await it.history();
  const recordedAt = log.map((entry) => entry.recordedAt);
  expect(recordedAt).toEqual([...recordedAt].sort((a, b) => a - b));
  expect(Math.max(...recordedAt)).toBeGreaterThan(Date.now() + HOUR_MS / 2);
  expect(await it.judge()).toEqual([]);
});
