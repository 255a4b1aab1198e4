import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { CreateConversation } from "../../commands/conversation/createConversation.ts";
import { UpdateConversation } from "../../commands/conversation/updateConversation.ts";
import type { By } from "../../domain/by.ts";
import { streamId } from "../../domain/ids.ts";
import { isRejection } from "../../domain/rejection.ts";
import { memoryWeekKeys } from "../../infra/keys/memoryWeekKeys.ts";
import { keysMigrations } from "../../infra/keys/migrations.ts";
import { postgresSecretStore } from "../../infra/keys/postgresSecretStore.ts";
import { lastSeenIn, lastSeenMigrations } from "../../infra/lastSeen.ts";
import { destroyed, KeysUnavailable } from "../../infra/ports/secrets.ts";
import { migrate } from "../../infra/postgres/migrate.ts";
import { done, newInstallation, startAccounts, until } from "../../test/support/accounts.ts";
import { alteredLog, recordedIn } from "../../test/support/engines.ts";
import { ExportsUnderWay } from "../export/underWay.ts";
import { complianceMigrations } from "../migrations.ts";
import { destroyPerson } from "./destroyPerson.ts";
import { Erasures } from "./erasures.ts";
import { readErasure } from "./readErasure.ts";
import { requestErasure } from "./requestErasure.ts";
import { erasureSinks } from "./sinks.ts";

let installation: Awaited<ReturnType<typeof newInstallation>>;
let server: Awaited<ReturnType<typeof startAccounts>>;
const weekKeys = memoryWeekKeys({ now: Date.now });
let problems: unknown[] = [];

beforeAll(async () => {
  installation = await newInstallation();
  await migrate(installation.db.database, [...complianceMigrations(), ...keysMigrations(), ...lastSeenMigrations]);
  server = await startAccounts(installation);
  await weekKeys.current("main");
});
afterAll(async () => {
  await server.stop();
  await installation.db.drop();
});
beforeEach(() => {
  problems = [];
});

type Parts = typeof server.parts;

/** Another process's worker. */
const worker = (accounts: Parts, holdIds: () => readonly string[] = () => []) =>
  new Erasures({
    accounts,
    weekKeys,
    sinks: erasureSinks(accounts, new ExportsUnderWay()),
    async destroy({ tenant, userId }) {
      if (holdIds().length === 0) await accounts.engine.sealing.destroy([{ tenant, of: userId }]);
      return holdIds();
    },
    confirmedForMs: 50,
    onTrouble: (error) => problems.push(error),
  });

/** The worker of a server without holds, which redacts names. */
const redacting = (accounts: Parts) =>
  new Erasures({
    accounts,
    weekKeys,
    sinks: erasureSinks(accounts, new ExportsUnderWay()),
    destroy: destroyPerson(accounts, { destroyUnlessHeld: async () => [] }),
    confirmedForMs: 50,
    onTrouble: (error) => problems.push(error),
  });

const Group = z.looseObject({ conversationId: z.string() });
const roomOf = async (by: By, name: string, { engine } = server): Promise<string> =>
  Group.parse(done(await CreateConversation.door.run({ kind: "group", name, members: [] }, by, engine))).conversationId;

const rename = async (by: By, conversationId: string, { engine } = server) =>
  done(await UpdateConversation.door.run({ conversationId, name: "the room after" }, by, engine));

async function asked(userId: string, redactNames: readonly string[] = []): Promise<string> {
  const by = server.anyone({ tenant: "main", userId: crypto.randomUUID(), roles: ["compliance"] });
  const holds = postgresSecretStore(installation.db.database, weekKeys);
  const parts = { accounts: server.parts, erasures: worker(server.parts), holds };
  const requested = await requestErasure(parts, { userId, reason: "asked for it", redactNames: [...redactNames] }, by);
  if (isRejection(requested)) throw new Error(requested.detail);
  return requested.erasureId;
}

const types = async (kind: "compliance" | "user" | "conversation", id: string) =>
  (await recordedIn(server.engine.log, streamId("main", kind, id))).map(({ type }) => type);

const ALL_STEPS = [
  "ErasureRequested",
  "ErasurePrepared",
  "ErasureSinkSwept",
  "ErasureTookEffect",
  ...["messages", "reactions", "names", "profile", "presence", "exports"].map(() => "ErasureSinkSwept"),
  "ErasureCompleted",
];

class Killed extends Error {
  override name = "Killed";
}

/** The same parts in a process that dies at its n-th append, before it or after it. */
function dying(at: number, when: "before" | "after"): Parts {
  let appends = 0;
  const { log } = server.engine;
  const dyingLog = alteredLog(log, {
    async append(stream, expected, commands) {
      const dies = appends++ === at;
      if (dies && when === "before") throw new Killed();
      const outcome = await log.append(stream, expected, commands);
      if (dies) throw new Killed();
      return outcome;
    },
  });
  return { ...server.parts, engine: { ...server.engine, log: dyingLog } };
}

test.each(Array.from({ length: 11 }, (_, at) => at).flatMap((at) => [[at, "before"] as const, [at, "after"] as const]))(
  "killed at its append %i, %s it, an erasure is carried on by another, each step said once",
  async (at, when) => {
    const ada = await server.person(`ada-${at}-${when}`);
    await server.settle();
    const someone = `main/${ada.userId}`;
    const lastSeen = lastSeenIn(server.parts.database, () => expect.unreachable());
    lastSeen.write(someone, new Date());
    await lastSeen.stop();
    const erasureId = await asked(ada.userId);
    await expect(worker(dying(at, when)).complete("main", erasureId)).rejects.toThrow();
    const before = await readErasure(server.engine, "main", erasureId);
    const [secret] = await installation.secrets.get([{ tenant: "main", of: ada.userId }]);
    // What it says is so; never more.
    if (before?.effectiveAt !== undefined) expect(secret).toBe(destroyed);

    const erasure = await worker(server.parts).complete("main", erasureId);
    expect([...erasure.swept].map(([name, { items }]) => [name, items])).toEqual([
      ["sign-in", 1],
      ["messages", 0],
      ["reactions", 0],
      ["names", 0],
      ["profile", 1],
      // What was deleted before it died is not there to be counted again.
      ["presence", at === 9 && when === "before" ? 0 : 1],
      ["exports", 0],
    ]);
    expect(await types("compliance", erasureId)).toEqual(ALL_STEPS);
    expect((await types("user", ada.userId)).filter((type) => type === "UserErased")).toHaveLength(1);
    expect(await installation.secrets.get([{ tenant: "main", of: ada.userId }])).toEqual([destroyed]);
    expect(await server.isIn(ada.accessToken)).toBe(false);
    lastSeen.write(someone, new Date());
    await lastSeen.stop();
    expect(await lastSeen.read([someone])).toEqual(new Map());
  },
);

test.each([3, 4, 5].flatMap((at) => [[at, "before"] as const, [at, "after"] as const]))(
  "killed at its append %i, %s it, an erasure that redacts two names is carried on: each is said once, and none opens",
  async (at, when) => {
    const by = await server.by((await server.person(`owner-${at}-${when}`)).accessToken);
    const ada = await server.person(`eda-${at}-${when}`);
    const names = [await roomOf(by, "Eda's room"), await roomOf(by, "Eda's other room")];
    await server.settle();
    const erasureId = await asked(ada.userId, names);
    await expect(redacting(dying(at, when)).complete("main", erasureId)).rejects.toThrow();
    expect(await rename(by, names[0] ?? "")).toMatchObject({ revision: expect.any(Number) });

    const erasure = await redacting(server.parts).complete("main", erasureId);
    expect(erasure.swept.get("names")?.items).toBeGreaterThanOrEqual(2);
    for (const id of names) {
      const said = (await types("conversation", id)).filter((type) => type === "ConversationNameRedacted");
      expect(said).toHaveLength(1);
      expect(await installation.secrets.get([{ tenant: "main", of: id }])).toEqual([destroyed]);
    }
  },
);

test("a process that does not know of a redaction yet gives the next name under the secret that is there now", async () => {
  const other = await startAccounts(installation);
  const by = await server.by((await server.person("owner-elsewhere")).accessToken);
  const ada = await server.person("ida");
  const room = await roomOf(by, "Ida's room", other);
  await server.settle();
  await redacting(server.parts).complete("main", await asked(ada.userId, [room]));
  expect(await rename(by, room, other)).toMatchObject({ revision: expect.any(Number) });
  expect((await types("conversation", room)).at(-1)).toBe("ConversationRenamed");
  await other.stop();
});

test("while the key service is down or slow nothing is said to be erased; once it answers the erasure goes on", async () => {
  const fay = await server.person("fay");
  const erasureId = await asked(fay.userId);
  let down = true;
  const { secrets } = installation;
  const one = new Erasures({
    accounts: server.parts,
    weekKeys,
    sinks: erasureSinks(server.parts, new ExportsUnderWay()),
    async destroy({ tenant, userId }) {
      if (down) throw new KeysUnavailable("the key service does not answer");
      await server.engine.sealing.destroy([{ tenant, of: userId }]);
      return [];
    },
    confirmedForMs: 50,
    retryMs: 5,
    onTrouble: (error) => problems.push(error),
  });
  one.start();
  const erasure = () => readErasure(server.engine, "main", erasureId);
  await until(async () => (await erasure())?.failed === "destroy", "it is told as failed");
  expect(await erasure()).toMatchObject({ effectiveAt: undefined, completedAt: undefined });
  expect(await secrets.get([{ tenant: "main", of: fay.userId }])).not.toEqual([destroyed]);
  expect((await types("user", fay.userId)).includes("UserErased")).toBe(false);
  down = false;
  await until(async () => (await erasure())?.completedAt !== undefined, "it is completed");
  expect(await secrets.get([{ tenant: "main", of: fay.userId }])).toEqual([destroyed]);
  await one.stop();
});

test("of what was left undone the next start takes care, and two processes at once do it once", async () => {
  const bo = await server.person("bo");
  const erasureId = await asked(bo.userId);
  const workers = [worker(server.parts), worker({ ...server.parts, engine: { ...server.engine } })];
  for (const one of workers) one.start();
  await until(async () => (await types("compliance", erasureId)).includes("ErasureCompleted"), "it is completed");
  for (const one of workers) await one.stop();
  expect(await types("compliance", erasureId)).toEqual(ALL_STEPS);
});

test("an erasure is final once the week keys of its day are gone, and then closed", async () => {
  const cy = await server.person("cy");
  const erasureId = await asked(cy.userId);
  const one = worker(server.parts);
  await one.complete("main", erasureId);
  const { id: old } = await weekKeys.current("main");
  await weekKeys.rotate("main");
  one.start();
  const finalAt = async () => (await readErasure(server.engine, "main", erasureId))?.finalAt;
  expect(await finalAt()).toBeUndefined();
  await weekKeys.destroy("main", old);
  one.wake();
  await until(async () => (await finalAt()) !== undefined, "it is final");
  const { database } = installation.db;
  const open = "select from compliance.erasures where erasure_id = $1 and not closed";
  await until(async () => (await database.query(open, [erasureId])).rowCount === 0, "it is closed");
  await one.stop();
});

test("what a hold keeps stays held, and is carried on once the hold is lifted", async () => {
  const di = await server.person("di");
  const erasureId = await asked(di.userId);
  const hold = crypto.randomUUID();
  let holds = [hold];
  const one = worker(server.parts, () => holds);
  expect(await one.complete("main", erasureId)).toMatchObject({ heldBy: [hold], effectiveAt: undefined });
  expect(await one.complete("main", erasureId)).toMatchObject({ heldBy: [hold] });
  expect((await types("compliance", erasureId)).filter((type) => type === "ErasureHeld")).toHaveLength(1);
  holds = [];
  expect(await one.complete("main", erasureId)).toMatchObject({ heldBy: [], effectiveAt: expect.any(Number) });
});

test("a step that goes on failing is told as failed, is tried again, and ends well once it can", async () => {
  const ed = await server.person("ed");
  const erasureId = await asked(ed.userId);
  let broken = true;
  const sink = {
    name: "search",
    when: "after" as const,
    async sweep() {
      if (broken) throw new Error("the index does not answer");
      return 7;
    },
  };
  const one = new Erasures({
    accounts: server.parts,
    weekKeys,
    sinks: [...erasureSinks(server.parts, new ExportsUnderWay()), sink],
    async destroy({ tenant, userId }) {
      await server.engine.sealing.destroy([{ tenant, of: userId }]);
      return [];
    },
    confirmedForMs: 50,
    retryMs: 5,
    onTrouble: (error) => problems.push(error),
  });
  one.start();
  const erasure = () => readErasure(server.engine, "main", erasureId);
  await until(async () => (await erasure())?.failed === "search", "it is told as failed");
  expect((await erasure())?.completedAt).toBeUndefined();
  broken = false;
  await until(async () => (await erasure())?.completedAt !== undefined, "it is completed");
  expect(await erasure()).toMatchObject({ failed: undefined });
  expect((await erasure())?.swept.get("search")?.items).toBe(7);
  await one.stop();
});
