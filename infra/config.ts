import { BlockList, isIP } from "node:net";
import { join, resolve } from "node:path";
import { z } from "zod";
import type { KnownWitness } from "../compliance/tlog/witnessing.ts";
import { parseWitnessKey } from "../compliance/verifier/note.ts";

const Port = z.coerce.number().int().min(0).max(65_535);
const Account = z
  .string()
  .regex(/^[^:]+:.+$/s, "must be <username>:<password>")
  .transform((text) => {
    const colon = text.indexOf(":");
    return { username: text.slice(0, colon), password: text.slice(colon + 1) };
  });
const Switch = z.enum(["on", "off"]);
const list = (text: string) =>
  text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
/** Addresses and subnets. */
const Addresses = z.string().transform((text, { addIssue }) => {
  const addresses = new BlockList();
  for (const item of list(text)) {
    const [, address = "", bits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(item) ?? [];
    const family = isIP(address) === 6 ? "ipv6" : "ipv4";
    const most = family === "ipv6" ? 128 : 32;
    if (isIP(address) === 0 || Number(bits ?? 0) > most) addIssue("must be addresses or subnets, such as 10.0.0.0/8");
    else addresses.addSubnet(address, Number(bits ?? most), family);
  }
  return addresses;
});

/** Witnesses of the verifiable log. */
const Witnesses = z.string().transform((text, { addIssue }) =>
  list(text).flatMap((item): KnownWitness[] => {
    const [key = "", url = "", ...rest] = item.split(/\s+/);
    try {
      if (!/^https?:$/.test(new URL(url).protocol) || rest.length > 0) throw new SyntaxError("no address");
      return [{ key: parseWitnessKey(key), url }];
    } catch {
      addIssue(`must be <verifier key of a witness> <http address>, with commas, and is ${JSON.stringify(item)}`);
      return [];
    }
  }),
);

/** Every variable of the environment that Scripta reads. */
const Environment = z.object({
  SCRIPTA_DATA: z.string().min(1).default("./data").describe("Folder below which everything lies that Scripta writes."),
  SCRIPTA_KEYS: z
    .string()
    .min(1)
    .optional()
    .describe("Folder of the keys; absent: keys below SCRIPTA_DATA. Servers that share a PostgreSQL share this one."),
  SCRIPTA_HOST: z.string().min(1).default("127.0.0.1").describe("Address to listen on."),
  SCRIPTA_PORT: Port.default(8080).describe("Port to listen on; 0: any free one."),
  SCRIPTA_ORIGIN: z.string().min(1).max(255).default("scripta.local/log").describe("Name of the verifiable log."),
  SCRIPTA_WITNESSES: Witnesses.default([]).describe(
    "<verifier key> <address> of each witness that cosigns checkpoints, with commas.",
  ),
  SCRIPTA_ALLOWED_ORIGINS: z
    .string()
    .default("")
    .transform(list)
    .describe("Web origins beside its own whose pages may open the socket, with commas."),
  SCRIPTA_TRUSTED_PROXIES: Addresses.default(new BlockList()).describe(
    "Addresses or subnets, with commas, of proxies whose X-Forwarded-For is believed.",
  ),
  SCRIPTA_POSTGRES: z
    .string()
    .regex(/^postgres(ql)?:\/\//, "must be a postgres:// URL")
    .optional()
    .describe("A PostgreSQL of yours (15 or newer); absent: the embedded one below SCRIPTA_DATA."),
  SCRIPTA_BOOTSTRAP_ADMIN: Account.optional().describe("<username>:<password> of the first administrator."),
  SCRIPTA_RATE_LIMITS: Switch.default("on").describe("off: nobody is slowed down; for tests alone."),
  SCRIPTA_DIRECTORY: z
    .enum(["exact", "none"])
    .default("exact")
    .describe("Whether people find others by exact username."),
  SCRIPTA_GROUP_LIMIT: z.coerce.number().int().min(2).max(1_000_000).default(1_024).describe("Members of a group."),
  SCRIPTA_TOKEN_SECONDS: z.coerce.number().int().min(30).max(86_400).default(900).describe("Life of an access token."),
  SCRIPTA_LOG_LEVEL: z
    .enum(["trace", "debug", "info", "warn", "error", "silent"])
    .default("info")
    .describe("How much the log on standard error says."),
});

export interface Config {
  readonly dataFolder: string;
  /** Week keys and the secret of tokens: the same for every process on one log. */
  readonly keysFolder: string;
  readonly host: string;
  readonly port: number;
  readonly origin: string;
  readonly witnesses: readonly KnownWitness[];
  readonly allowedOrigins: readonly string[];
  readonly trustedProxies: BlockList;
  readonly postgres: string | undefined;
  readonly bootstrapAdmin: { readonly username: string; readonly password: string } | undefined;
  readonly rateLimits: boolean;
  readonly directory: "exact" | "none";
  readonly groupLimit: number;
  readonly tokenSeconds: number;
  readonly logLevel: string;
}

/** A variable of the environment that does not hold. Its message names each, and what it must be. */
export class ConfigurationFault extends Error {
  override name = "ConfigurationFault";
}

/** @throws ConfigurationFault */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const given = Object.fromEntries(
    Object.entries(environment).filter(([, value]) => value !== undefined && value !== ""),
  );
  const unknown = Object.keys(given).filter(
    (name) => /^SCRIPTA_/.test(name) && !(name in Environment.shape) && !CLIENTS.has(name),
  );
  const parsed = Environment.safeParse(given);
  if (!parsed.success || unknown.length > 0) {
    const faults = (parsed.error?.issues ?? []).map(({ path, message }) => `  ${path.join(".")}: ${message}`);
    const strangers = unknown.map((name) => `  ${name}: no such variable; see scripta start --help`);
    throw new ConfigurationFault(["The configuration does not hold:", ...faults, ...strangers].join("\n"));
  }
  const env = parsed.data;
  return {
    dataFolder: resolve(env.SCRIPTA_DATA),
    keysFolder: resolve(env.SCRIPTA_KEYS ?? join(env.SCRIPTA_DATA, "keys")),
    host: env.SCRIPTA_HOST,
    port: env.SCRIPTA_PORT,
    origin: env.SCRIPTA_ORIGIN,
    witnesses: env.SCRIPTA_WITNESSES,
    allowedOrigins: env.SCRIPTA_ALLOWED_ORIGINS,
    trustedProxies: env.SCRIPTA_TRUSTED_PROXIES,
    postgres: env.SCRIPTA_POSTGRES,
    bootstrapAdmin: env.SCRIPTA_BOOTSTRAP_ADMIN,
    rateLimits: env.SCRIPTA_RATE_LIMITS === "on",
    directory: env.SCRIPTA_DIRECTORY,
    groupLimit: env.SCRIPTA_GROUP_LIMIT,
    tokenSeconds: env.SCRIPTA_TOKEN_SECONDS,
    logLevel: env.SCRIPTA_LOG_LEVEL,
  };
}

/** What clients read, and a server that is started beside them must not stumble over. */
const CLIENTS = new Set(["SCRIPTA_PASSWORD", "SCRIPTA_URL", "SCRIPTA_CONFIG"]);

/** The variables with what they are for, for help. */
export const variables: readonly { readonly name: string; readonly about: string }[] = Object.entries(
  Environment.shape,
).map(([name, schema]) => ({ name, about: schema.description ?? "" }));
