import { describe, expect, test } from "vitest";
import { ConfigurationFault, readConfig, variables } from "./config.ts";

describe("the configuration", () => {
  test("needs nothing", () => {
    expect(readConfig({})).toMatchObject({
      host: "127.0.0.1",
      port: 8080,
      rateLimits: true,
      bootstrapAdmin: undefined,
    });
    expect(readConfig({}).dataFolder).toMatch(/\/data$/);
  });

  test("is read whole before anything starts, and every fault names its variable", () => {
    const read = () => readConfig({ SCRIPTA_PORT: "eighty", SCRIPTA_RATE_LIMITS: "no", SCRIPTA_PROT: "1" });
    expect(read).toThrow(ConfigurationFault);
    expect(read).toThrow(/SCRIPTA_PORT: .*[\s\S]*SCRIPTA_RATE_LIMITS: .*[\s\S]*SCRIPTA_PROT: no such variable/);
  });

  test("takes a password with colons", () => {
    expect(readConfig({ SCRIPTA_BOOTSTRAP_ADMIN: "ada:a:b:c" }).bootstrapAdmin).toEqual({
      username: "ada",
      password: "a:b:c",
    });
  });

  test("describes each of its variables", () => {
    for (const { name, about } of variables) expect(about, name).not.toBe("");
  });
});
