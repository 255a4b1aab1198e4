import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { cruise, type ICruiseOptions, type IForbiddenRuleType, type IModule } from "dependency-cruiser";

/**
 * Who may import what. Holds the table below, no circles, and nothing that is only there for development in shipped
 * code. Run as `npm run imports`; ends non-zero with one line for each fault.
 */

const PORTS = "^infra/ports/";
const QUERIES = "^projections/[^/]+/queries[.]ts$";
/** What a read model's rows and the projector look like to those who read them: types alone. */
const READING = "^projections/(projector|logged|movedRows|sealedPart)[.]ts$";
const COMMANDS = "^commands/index[.]ts$";

/** Of the project, beside its own folder, as patterns of paths. */
const table: Readonly<Record<string, readonly string[]>> = {
  domain: [],
  sealing: ["^domain/", PORTS],
  commands: ["^domain/", "^sealing/", PORTS],
  projections: ["^domain/", PORTS],
  accounts: ["^domain/", COMMANDS, PORTS],
  "read-api": ["^domain/", "^sealing/", PORTS, QUERIES, READING],
  realtime: [
    "^domain/",
    "^sealing/",
    PORTS,
    COMMANDS,
    QUERIES,
    READING,
    "^read-api/(changes|sync)/",
    "^read-api/shapes[.]ts$",
  ],
  compliance: ["^(domain|sealing|commands|projections|accounts)/", PORTS],
  effects: ["^domain/", "^sealing/", COMMANDS, PORTS, QUERIES],
  infra: ["^(domain|sealing|commands|projections|accounts|read-api|realtime|compliance|effects)/"],
  operator: ["^[^/]+/(?!.*[.]test[.]ts$)"],
  clients: [],
};

const folders = Object.keys(table);
const ANY_TEST = "([.]test[.]ts|Contract[.]ts)$";
const ours = `^(${folders.join("|")}|bench|test)/`;

const withinTheTable = folders.map((folder): IForbiddenRuleType => {
  const allowed = [`^${folder}/`, ...(table[folder] ?? [])];
  return {
    name: `${folder} imports only what the table gives it`,
    severity: "error",
    from: { path: `^${folder}/`, pathNot: ANY_TEST },
    to: { path: ours, pathNot: folder === "clients" ? [...allowed, "^(commands|read-api)/"] : allowed },
  };
});

const others: IForbiddenRuleType[] = [
  {
    name: "domain is pure: of others only zod and node:crypto",
    severity: "error",
    from: { path: "^domain/", pathNot: ANY_TEST },
    to: { pathNot: ["^domain/", "^node_modules/zod/", "^(node:)?crypto$"] },
  },
  {
    // Queries may: reading joins read models, projecting never does.
    name: "no projection knows another read model",
    severity: "error",
    from: { path: "^projections/([^/]+)/", pathNot: [ANY_TEST, QUERIES] },
    to: { path: "^projections/[^/]+/", pathNot: "^projections/$1/" },
  },
  {
    name: "clients take types, never values, from the server",
    severity: "error",
    from: { path: "^clients/", pathNot: ANY_TEST },
    to: { path: "^(commands|read-api)/", dependencyTypesNot: ["type-only"] },
  },
  {
    name: "the SDK runs where there is no Node",
    severity: "error",
    from: { path: "^clients/sdk/", pathNot: ANY_TEST },
    to: { dependencyTypes: ["core"] },
  },
  {
    name: "the verifier needs nothing: no package, no Node, nothing else of ours",
    severity: "error",
    from: { path: "^compliance/verifier/", pathNot: ANY_TEST },
    to: { pathNot: "^compliance/verifier/" },
  },
  {
    name: "operator uses clients by their entry points",
    severity: "error",
    from: { path: "^operator/", pathNot: ANY_TEST },
    to: { path: "^clients/", pathNot: "^clients/[^/]+/index[.]ts$" },
  },
  {
    name: "nothing shipped imports tests or benchmarks",
    severity: "error",
    from: { path: `^(${folders.join("|")})/`, pathNot: ANY_TEST },
    to: { path: ["^(test|bench)/", ANY_TEST] },
  },
  {
    name: "nothing shipped imports what is there for development",
    severity: "error",
    from: { path: `^(${folders.join("|")})/`, pathNot: ANY_TEST },
    to: { dependencyTypes: ["npm-dev"], dependencyTypesNot: ["type-only"] },
  },
  {
    name: "every import leads somewhere that package.json names",
    severity: "error",
    from: {},
    to: { dependencyTypes: ["unknown", "undetermined", "npm-no-pkg", "npm-unknown"] },
  },
  { name: "every import is found", severity: "error", from: {}, to: { couldNotResolve: true } },
  {
    name: "no circles",
    severity: "error",
    from: { pathNot: ANY_TEST },
    to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
  },
];

const options: ICruiseOptions = {
  validate: true,
  ruleSet: { forbidden: [...withinTheTable, ...others] },
  doNotFollow: { path: "node_modules" },
  tsPreCompilationDeps: true,
  enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "types", "node", "default"] },
};

const expected = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "*.ts"], {
  encoding: "utf8",
})
  .split("\n")
  .filter((file) => file !== "" && existsSync(file));

const { output } = await cruise(expected, options);
if (typeof output === "string") throw new Error("dependency-cruiser gave text instead of a result");
const { modules, summary } = output;
const seen = new Set(modules.map(({ source }: IModule) => source));
const unseen = expected.filter((file) => !seen.has(file));
const edges = modules.reduce((count, { dependencies }) => count + dependencies.length, 0);
const faults = [
  ...unseen.map((file) => `not looked at: ${file}`),
  ...(edges < expected.length ? [`only ${edges} imports were seen in ${expected.length} files`] : []),
  ...summary.violations.map(
    ({ rule, from, to, cycle }) => `${rule.name}: ${from} → ${cycle?.map(({ name }) => name).join(" → ") ?? to}`,
  ),
];
for (const fault of faults) console.error(fault);
console.log(`${expected.length} files, ${edges} imports, ${faults.length} faults`);
process.exitCode = faults.length > 0 ? 1 : 0;
