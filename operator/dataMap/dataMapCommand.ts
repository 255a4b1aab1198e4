import { exitCodes } from "../exitCodes.ts";
import { print } from "../print.ts";
import { type DataMap, dataMap } from "./dataMap.ts";

/** Prints the record; it needs no server and no folder. */
export async function dataMapCommand({ json }: { readonly json?: boolean }): Promise<number> {
  const map = dataMap();
  print(map, json, linesOf(map));
  return exitCodes.done;
}

const KINDS = {
  sealed: "sealed",
  people: "ids of people",
  conduct: "what was done, and when",
  hashed: "hashed",
  wrapped: "wrapped keys",
} as const;
const kinds = ["sealed", "people", "conduct", "hashed", "wrapped"] as const;

type Holding = Record<(typeof kinds)[number], readonly string[]> & {
  readonly what: string;
  readonly kept: string;
  readonly erasure: string;
};

const holding = (name: string, it: Holding, key: string | null = null): string[] => [
  `  ${name}: ${it.what}`,
  ...kinds.filter((kind) => it[kind].length > 0).map((kind) => `      ${KINDS[kind]}: ${it[kind].join(", ")}`),
  ...(key === null ? [] : [`      key: ${key}`]),
  `      kept: ${it.kept}; erasure: ${it.erasure}`,
];

const tellsOfSomebody = (it: Holding): boolean => kinds.some((kind) => it[kind].length > 0);

function linesOf({ events, tables, elsewhere }: DataMap): string[] {
  const silent = [
    ...events.filter((one) => !tellsOfSomebody(one)).map(({ event }) => event),
    ...tables.filter((one) => !tellsOfSomebody(one)).map(({ table }) => table),
  ];
  return [
    "In the log of events:",
    ...events.filter(tellsOfSomebody).flatMap((one) => holding(one.event, one, one.key)),
    "",
    "In tables of PostgreSQL:",
    ...tables.filter(tellsOfSomebody).flatMap((one) => holding(one.table, one)),
    "",
    "Elsewhere:",
    ...elsewhere.flatMap(({ place, what, kept, erasure }) => [
      `  ${place}: ${what}`,
      `      kept: ${kept}; erasure: ${erasure}`,
    ]),
    "",
    `Of nobody: ${silent.join(", ")}.`,
  ];
}
