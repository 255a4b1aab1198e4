import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { databaseUser } from "../../infra/postgres/databaseUser.ts";
import { type Actor, insist } from "./harness/actor.ts";
import { openForEvidence } from "./harness/evidence.ts";
import { type Installation, installation, type Service } from "./harness/installation.ts";
import { randomFrom, seedOfRun } from "./harness/randomFrom.ts";
import { say, tableOf } from "./harness/table.ts";

/** Fault 13: the disk is full, that of the database or that of the server's own files. */
const random = randomFrom(seedOfRun());
const folder = mkdtempSync(join(tmpdir(), "scripta-full-"));
// The database's user passes through it.
chmodSync(folder, 0o755);

/** A small file system of its own; undefined where this user may mount none. */
function smallDisk(name: string, megabytes: number): string | undefined {
  const disk = join(folder, name);
  mkdirSync(disk);
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m,mode=755`, "tmpfs", disk], { stdio: "ignore" });
    return disk;
  } catch {
    return undefined;
  }
}

/** Leaves nothing free; gives the way to free it again. */
function fill(disk: string): () => void {
  const { bavail, bsize } = statfsSync(disk);
  const filler = join(disk, "filler");
  try {
    writeFileSync(filler, Buffer.alloc(Number(bavail) * Number(bsize)));
  } catch {
    // what was free a moment ago is taken: full is what is wanted
  }
  return () => rmSync(filler);
}

const database = smallDisk("database", 140);
const own = smallDisk("own", 8);
const ofTheEvents = smallDisk("events", 8);

describe.skipIf(database === undefined || own === undefined || ofTheEvents === undefined)(
  "a full disk (skipped where no file system can be mounted)",
  () => {
    let it: Installation;
    let service: Service;
    let ada: Actor;
    let tea: string;
    beforeAll(async () => {
      it = await installation({ SCRIPTA_DATA: own ?? "" }, database);
      service = await it.service();
      ada = await it.person("ada", service);
      tea = await tableOf([ada], random);
    });
    afterAll(async () => {
      await it?.close();
      for (const disk of [database, own, ofTheEvents]) execFileSync("umount", ["-l", disk ?? ""]);
      rmSync(folder, { recursive: true, force: true });
    });

    const large = () => "x".repeat(8_000) + random.uuid();

    test("under the database refuses what is written and acknowledges nothing; with room again all goes on, and all is there", async () => {
      expect((await say(ada, tea, large(), random)).outcome).toBe("ok");
      const free = fill(database ?? "");
      const tried: Awaited<ReturnType<Actor["command"]>>[] = [];
      for (let n = 0; n < 3_000 && tried.filter(({ outcome }) => outcome === "unknown").length < 5; n += 20)
        tried.push(...(await Promise.all(Array.from({ length: 20 }, () => say(ada, tea, large(), random)))));
      expect(tried.some(({ outcome }) => outcome === "unknown")).toBe(true);
      expect(tried.filter(({ outcome }) => outcome === "failed")).toEqual([]);
      free();
      // PostgreSQL ends itself where it cannot write its own log; then somebody starts it again.
      await it.restartDatabase("fast");
      const sent = await insist(() => say(ada, tea, "room again", random));
      expect(sent.outcome).toBe("ok");
      const reading = await ada.read(tea, sent.answer?.position);
      expect(reading?.status).toBe(200);
      expect(await it.judge()).toEqual([]);
    });

    test("under the events alone is told by the database at each append; with room again the same server goes on by itself", async () => {
      const space = join(ofTheEvents ?? "", "space");
      mkdirSync(space);
      const user = databaseUser();
      if (user) chownSync(space, user.uid, user.gid);
      const evidence = openForEvidence(it.postgres.url());
      await evidence.query(`create tablespace narrow location '${space}'`);
      await evidence.query("alter table log.events set tablespace narrow");
      await evidence.close();
      const { pid } = service.process().child;
      const free = fill(ofTheEvents ?? "");
      const tried: Awaited<ReturnType<Actor["command"]>>[] = [];
      for (let n = 0; n < 1_000 && tried.filter(({ outcome }) => outcome !== "ok").length < 5; n += 20)
        tried.push(...(await Promise.all(Array.from({ length: 20 }, () => say(ada, tea, large(), random)))));
      const refused = tried.filter(({ outcome }) => outcome !== "ok");
      expect(refused.length).toBeGreaterThan(0);
      expect(refused.map(({ outcome, code }) => [outcome, code])).toEqual(
        refused.map(() => ["unknown", "unavailable"]),
      );
      free();
      const sent = await insist(() => say(ada, tea, "room for events", random));
      expect((await ada.read(tea, sent.answer?.position))?.status).toBe(200);
      expect(service.process().child.pid).toBe(pid);
      expect(await it.judge()).toEqual([]);
    });

    test("under the server's own files hinders nobody: what it keeps there may lag", async () => {
      const free = fill(own ?? "");
      for (let n = 0; n < 20; n++) expect((await say(ada, tea, `full ${n}`, random)).outcome).toBe("ok");
      free();
      await service.stop();
      await service.start();
      expect((await say(ada, tea, "after it", random)).outcome).toBe("ok");
      expect(await it.judge()).toEqual([]);
    });
  },
);
