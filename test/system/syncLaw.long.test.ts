import { randomUUID } from "node:crypto";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { Change } from "../../read-api/shapes.ts";
import { type Api, apiOf, group, type Person, passwordOf } from "../support/apiClient.ts";
import { syncingDevice } from "../support/apiDevice.ts";
import { type Frame, liveSocket } from "../support/apiSocket.ts";
import { deviceState } from "../support/deviceState.ts";
import { startInProcess } from "../support/inProcess.ts";

const SEED = Number(process.env.SEED ?? Date.now() % 1_000_000);
const HISTORIES = 8;

let server: Awaited<ReturnType<typeof startInProcess>>;
let api: Api;
let root: Person;
beforeAll(async () => {
  server = await startInProcess({ SCRIPTA_BOOTSTRAP_ADMIN: `root:${passwordOf("root")}` });
  api = apiOf(server.url);
  root = await api.login("root");
}, 60_000);
afterAll(() => server?.stop());

const kinds = [
  "send",
  "send",
  "send",
  "reply",
  "edit",
  "delete",
  "react",
  "unreact",
  "read",
  "join",
  "leave",
  "role",
] as const;
const Step = fc.record({
  kind: fc.constantFrom(...kinds, "rename", "visibility", "prefer", "profile", "group", "guest"),
  who: fc.nat(4),
  which: fc.nat(1_000),
});
type Step = typeof Step extends fc.Arbitrary<infer Value> ? Value : never;

/** What somebody tries; many attempts are refused, as in life. Gives the position that it led to. */
async function tried(people: readonly Person[], groups: string[], messages: Map<string, string[]>, step: Step) {
  const [first] = people;
  const by = people[step.who % people.length] ?? first;
  const other = people[step.which % people.length] ?? first;
  if (!by || !other) throw new Error("nobody is here");
  if (step.kind === "group" && groups.length < 4) {
    const members = by === other ? [] : [{ userId: other.userId }];
    const { status, body } = await by.post("/conversations", { kind: "group", name: "Another", members });
    // Guests make none.
    if (status === 201) groups.push(z.string().parse(body.conversationId));
  }
  const place = groups[step.which % groups.length] ?? "";
  const said = messages.get(place) ?? [];
  messages.set(place, said);
  const url = `/conversations/${place}`;
  const target = `${url}/messages/${said[step.which % Math.max(1, said.length)] ?? randomUUID()}`;
  const send = (more: object) => {
    const messageId = randomUUID();
    said.push(messageId);
    return by.post(`${url}/messages`, { messageId, kind: "text", text: `text ${step.which}`, ...more });
  };
  const act = () => {
    switch (step.kind) {
      case "send":
        return send(step.which % 3 === 0 ? { mentions: [other.userId] } : {});
      case "reply":
        return send({ threadRoot: said[step.which % Math.max(1, said.length)] ?? null });
      case "edit":
        return by.patch(target, { text: `edit ${step.which}`, mentions: step.which % 2 ? [other.userId] : [] });
      case "delete":
        return by.delete(target);
      case "react":
        return by.put(`${target}/reactions/${step.which % 2 ? "👍" : "🎉"}`);
      case "unreact":
        return by.delete(`${target}/reactions/${step.which % 2 ? "👍" : "🎉"}`);
      case "read":
        return by.post(`${url}/read`, { seq: step.which % 7 });
      case "join":
        return by.post(`${url}/members`, { userId: other.userId });
      case "leave":
        return by.delete(`${url}/members/${other.userId}`);
      case "role":
        return by.patch(`${url}/members/${other.userId}`, {
          role: ["owner", "admin", "member", "guest"][step.which % 4],
        });
      case "rename":
        return by.patch(url, { name: `name ${step.which}`, description: step.which % 2 ? "about" : null });
      case "visibility":
        return by.patch(url, { settings: { historyVisibility: step.which % 2 ? "all" : "joined" } });
      case "prefer":
        return by.put(`${url}/preferences`, { notify: step.which % 2 ? "none" : "mentions", mutedUntil: null });
      case "guest":
        return root.put(`/admin/users/${other.userId}/roles`, { roles: [], guest: step.which % 3 > 0 });
      default:
        return by.patch("/me", { displayName: `called ${step.which}` });
    }
  };
  const { status, body } = await act();
  expect([200, 201, 400, 403, 404, 409, 410], `${step.kind}: ${JSON.stringify(body)}`).toContain(status);
  return Number(body.position ?? 0);
}

/** What a device holds that was live all the time. */
function stateFrom(userId: string, frames: readonly Frame[]) {
  const state = deviceState(userId);
  for (const frame of frames)
    if (frame.type === "reset") state.reset();
    else if (frame.type === "changes") state.apply(z.array(Change).parse(frame.changes));
  return state;
}

test("a device that was away, one that was live, and a new one hold the same, after any history", async () => {
  console.info(`SEED=${SEED}`);
  const history = fc.tuple(
    fc.array(Step, { minLength: 5, maxLength: 40 }),
    fc.array(Step, { minLength: 5, maxLength: 60 }),
    fc.constantFrom(1, 3, 17, 200),
  );
  await fc.assert(
    fc.asyncProperty(history, async ([before, since, limit]) => {
      const people = await Promise.all(["ada", "bo", "cy", "dee"].map((name) => api.person(name)));
      const [ada] = people;
      if (!ada) return;
      const groups = [await group(ada, people.slice(1, 3))];
      const messages = new Map<string, string[]>();
      let position = 0;
      const play = async (steps: readonly Step[]) => {
        for (const step of steps) position = Math.max(position, await tried(people, groups, messages, step));
      };
      await play(before);
      const kept = people.map(syncingDevice);
      for (const device of kept) await device.pull(position);
      const sockets = await Promise.all(people.map(({ token }) => liveSocket(server.url, token)));
      await play(since);
      for (const [index, person] of people.entries()) {
        const device = kept[index];
        if (!device) continue;
        await device.pull(position, limit);
        const fresh = syncingDevice(await api.login(person.username, "new"));
        await fresh.pull(position);
        expect(device.state.view(fresh.state)).toEqual(fresh.state.view(device.state));
        expect(device.state.faults).toEqual([]);
        expect(device.state.gaps()).toEqual([]);
        expect(device.resets()).toBe(1);
        const socket = sockets[index];
        if (!socket) continue;
        // Marks of others come at most once a second.
        const views = () => {
          const live = stateFrom(person.userId, socket.frames);
          return { live: live.view(fresh.state), fresh: fresh.state.view(live), faults: live.faults };
        };
        await expect
          .poll(() => JSON.stringify(views().live) === JSON.stringify(views().fresh), { timeout: 4_000 })
          .toBe(true)
          .catch(() => expect(views().live).toEqual(views().fresh));
        expect(views().faults).toEqual([]);
        await socket.close();
      }
    }),
    // A failure is shrunk to a short history, for as long as there is time.
    { numRuns: HISTORIES, seed: SEED, interruptAfterTimeLimit: 100_000 },
  );
}, 120_000);

test("an account that comes to count as guest everywhere, or no longer does, is told to that person and to those with it", async () => {
  const [ada, bo, cy] = await Promise.all([api.person("ada"), api.person("bo"), api.person("cy")]);
  const place = await group(ada, [[bo, "admin"], cy]);
  const away = [ada, bo].map((person) => syncingDevice(person));
  const { body } = await ada.post(`/conversations/${place}/messages`, { messageId: randomUUID(), text: "hello" });
  for (const device of away) await device.pull(Number(body.position));
  const sockets = await Promise.all([ada, bo].map(({ token }) => liveSocket(server.url, token)));
  for (const [guest, role] of [
    [true, "guest"],
    [false, "admin"],
  ] as const) {
    const marked = await root.put(`/admin/users/${bo.userId}/roles`, { roles: [], guest });
    for (const [index, device] of away.entries()) {
      await device.pull(Number(marked.body.position));
      const held = device.state.conversations.get(place);
      expect(held?.members.get(bo.userId)?.member.role).toBe(role);
      expect(held?.conversation.role).toBe(index === 0 ? "owner" : role);
      const live = () =>
        stateFrom(index === 0 ? ada.userId : bo.userId, sockets[index]?.frames ?? []).conversations.get(place);
      await expect.poll(() => live()?.members.get(bo.userId)?.member.role).toBe(role);
      expect(live()?.conversation.role).toBe(index === 0 ? "owner" : role);
    }
  }
  for (const socket of sockets) await socket.close();
});
