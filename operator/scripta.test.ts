import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { apiOf, items, passwordOf } from "../test/support/apiClient.ts";
import { type FreshDatabase, freshDatabase } from "../test/support/postgres.ts";
import { scripta } from "../test/support/scriptaProcess.ts";
import { startServer } from "../test/support/server.ts";

let folder: string;
let database: FreshDatabase;
let environment: Record<string, string>;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "scripta-operator-"));
  database = await freshDatabase();
  environment = { SCRIPTA_DATA: join(folder, "data"), SCRIPTA_POSTGRES: database.url, SCRIPTA_PORT: "0" };
});
afterAll(async () => {
  await database.drop();
  await rm(folder, { recursive: true, force: true, maxRetries: 10 });
});

const Findings = z.object({ findings: z.array(z.object({ what: z.string(), ok: z.boolean() })) });

const shown = (running: { output(): string }, text: string) =>
  expect.poll(() => running.output(), { timeout: 30_000 }).toContain(text);

test("start says where it is and how the first account is made; Ctrl-C drains it", async () => {
  const running = scripta(["start"], environment);
  await shown(running, "stop      Ctrl-C");
  const address = /address {3}(\S+)/.exec(running.output())?.[1];
  expect((await fetch(`${address}/health/ready`)).status).toBe(200);
  expect(running.output()).toContain(`curl ${address}/api/v1/auth/register`);
  expect(running.output()).toContain(environment.SCRIPTA_DATA);
  running.child.kill("SIGINT");
  const { code, stdout } = await running.ended;
  expect(code).toBe(0);
  expect(stdout).toMatch(/Draining.*\nStopped\.\n$/s);
});

test("a second server on a folder is refused by name, and leaves the first alone", async () => {
  const first = await startServer(environment);
  try {
    const { code, stderr } = await scripta(["start"], environment).ended;
    expect(code).toBe(3);
    expect(stderr).toContain(`is in use by process ${first.child.pid}, which answers at ${first.url}`);
    expect(stderr).not.toContain("    at ");
    expect((await fetch(`${first.url}/health/ready`)).status).toBe(200);
  } finally {
    expect(await first.stop()).toBe(0);
  }
}, 60_000);

test.each([["verify"], ["rebuild", "--all"], ["doctor"]])(
  "a folder where nothing lies is not found in order by %s, nor made",
  async (...args) => {
    const nowhere = join(folder, "nowhere");
    const { code, stdout, stderr } = await scripta([...args, "--data", nowhere], { SCRIPTA_POSTGRES: "" }).ended;
    expect(code).toBe(1);
    expect(stdout + stderr).toContain(`${nowhere} is not there yet`);
    expect(existsSync(nowhere)).toBe(false);
  },
  30_000,
);

test("a port in use is named, with the way out", async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
  const address = other.address();
  const port = typeof address === "object" && address ? address.port : 0;
  const { code, stderr } = await scripta(["start", "--port", String(port)], environment).ended;
  other.close();
  expect(code).toBe(4);
  expect(stderr).toContain(`port ${port} of 127.0.0.1 is in use: set SCRIPTA_PORT`);
}, 30_000);

test("an address that the machine does not have is named by its variable", async () => {
  const { code, stderr } = await scripta(["start", "--host", "203.0.113.7", "--port", "0"], environment).ended;
  expect([code, stderr]).toEqual([2, expect.stringContaining("SCRIPTA_HOST: this machine has no address 203.0.113.7")]);
}, 30_000);

test("chat without a terminal and a password says so in a line", async () => {
  const { code, stderr } = await scripta(["chat", "--user", "ada", "--url", "http://127.0.0.1:9"], {
    ...environment,
    SCRIPTA_PASSWORD: "",
    HOME: folder,
  }).ended;
  expect([code, stderr]).toEqual([1, "scripta: no terminal to ask for the password in: set SCRIPTA_PASSWORD\n"]);
});

test("chat without a terminal on a device that was signed out says so, and signs in the next time", async () => {
  const server = await startServer(environment);
  try {
    const ada = await apiOf(server.url).person("ada");
    const own = {
      ...environment,
      SCRIPTA_PASSWORD: passwordOf(ada.username),
      XDG_CONFIG_HOME: join(folder, "signed-out"),
    };
    const chat = () => scripta(["chat", "--user", ada.username, "--url", server.url], own).ended;
    expect((await chat()).code).toBe(0);
    for (const { deviceId, current } of items(await ada.get("/me/devices")))
      if (!current) await ada.delete(`/me/devices/${deviceId}`);
    const { code, stderr } = await chat();
    expect([code, stderr]).toEqual([1, "scripta: this device was signed out; start again to sign in\n"]);
    expect((await chat()).code).toBe(0);
  } finally {
    expect(await server.stop()).toBe(0);
  }
}, 60_000);

test("a configuration that does not hold is named variable by variable", async () => {
  const wrong = { ...environment, SCRIPTA_PORT: "eighty", SCRIPTA_RATE_LIMIT: "off" };
  const { code, stderr } = await scripta(["start"], wrong).ended;
  expect(code).toBe(2);
  expect(stderr).toContain("SCRIPTA_PORT");
  expect(stderr).toContain("SCRIPTA_RATE_LIMIT: no such variable");
  expect((await scripta(["begin"], environment).ended).code).toBe(2);
});

test("a flag that is misspelt is named, rather than the one that it was meant to be", async () => {
  for (const [words, named] of [
    [["chat", "--usr", "ada"], "--usr"],
    [["chat"], "--user"],
    [["tenant", "add", "acme", "--amin", "root:correct horse"], "--amin"],
  ] as const) {
    const { code, stderr } = await scripta([...words], environment).ended;
    expect([code, stderr.split("\n")[0]]).toEqual([2, expect.stringContaining(`'${named}`)]);
  }
}, 30_000);

test.each([
  [["proof", "check", "missing.json", "--key", "log.key"], "missing.json: there is no such file"],
  [["proof", "check", "/dev/null", "--key", "missing.key"], "--key: missing.key is neither a verifier key nor a file"],
  [["log", "verify", "nowhere"], "there is no verifiable log at nowhere: key is not there"],
])("what was given and is not there is named in one line: %j", async (args, line) => {
  const { code, stderr } = await scripta(args, { SCRIPTA_DATA: folder }).ended;
  expect(code).toBe(1);
  expect(stderr).toBe(`scripta: ${line}\n`);
});

test("every command has help, and help ends well", async () => {
  for (const words of [["start"], ["import", "slack"], ["tenant", "add"], ["doctor"], ["epoch", "raise"], ["chat"]]) {
    const { code, stdout } = await scripta([...words, "--help"], environment).ended;
    expect([words, code, stdout.startsWith(`Usage: scripta ${words.join(" ")}`)]).toEqual([words, 0, true]);
  }
}, 30_000);

test("the operator's commands work beside a server and without one", async () => {
  const run = async (...args: string[]) => {
    const { code, stdout, stderr } = await scripta([...args, "--json"], environment).ended;
    expect([args, code, stderr]).toEqual([args, 0, expect.any(String)]);
    return JSON.parse(stdout);
  };
  const server = await startServer(environment);
  try {
    expect(await run("tenant", "add", "acme", "--admin", "root:correct horse")).toMatchObject({ tenant: "acme" });
    const login = await fetch(`${server.url}/api/v1/auth/login`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        tenant: "acme",
        username: "root",
        password: "correct horse",
        device: { name: "test", platform: "test" },
      }),
    });
    expect(login.status).toBe(200);
    // The database of the tests keeps nothing over a power cut, and the doctor sees it.
    const { code, stdout } = await scripta(["doctor", "--json"], environment).ended;
    const { findings } = Findings.parse(JSON.parse(stdout));
    expect([code, findings.filter(({ ok }) => !ok).map(({ what }) => what)]).toEqual([1, ["durability"]]);
    expect(findings.map(({ what }) => what)).toEqual(
      expect.arrayContaining(["server", "PostgreSQL", "log", "read model history", "keys of acme"]),
    );
    // A folder that others can read hides nothing else that is wrong.
    await chmod(join(folder, "data"), 0o755);
    const open = Findings.parse(JSON.parse((await scripta(["doctor", "--json"], environment).ended).stdout));
    expect(open.findings.filter(({ ok }) => !ok).map(({ what }) => what)).toEqual(["data folder", "durability"]);
    await chmod(join(folder, "data"), 0o700);
  } finally {
    await server.stop();
  }
  expect(await run("tenant", "list")).toMatchObject([{ tenant: "main" }, { tenant: "acme", accounts: 1 }]);
  expect(await run("keys", "rotate")).toMatchObject([{ tenant: "acme", destroyed: [] }, { tenant: "main" }]);
  expect((await run("projections", "list")).parked).toEqual([]);
  expect(await run("epoch", "raise")).toMatchObject({ epoch: 2 });
}, 120_000);

test("a server that was killed hard is started again at once on the same folder", async () => {
  const own = { SCRIPTA_DATA: join(folder, "embedded") };
  const first = await startServer(own);
  await first.kill();
  const second = await startServer(own);
  expect((await fetch(`${second.url}/health/ready`)).status).toBe(200);
  expect(await second.stop()).toBe(0);
}, 120_000);

test("an older Node is told what is needed", async () => {
  const launcher = new URL("./launch.js", import.meta.url);
  const pretend = `Object.defineProperty(process.versions, "node", { value: "20.1.0" }); await import(${JSON.stringify(launcher)})`;
  const child: ChildProcess = spawn(process.execPath, ["--input-type=module", "-e", pretend]);
  let said = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    said += chunk.toString();
  });
  const code = await new Promise((resolve) => child.once("close", resolve));
  expect([code, said]).toEqual([2, expect.stringContaining("needs Node 24.12 or newer and was run by 20.1.0")]);
});
