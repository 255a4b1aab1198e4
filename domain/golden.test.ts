import { readdirSync, readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { isJson } from "../infra/ports/jsonSchema.ts";
import { eventShape, shapeOf } from "../test/support/eventShape.ts";
import { declarationOf, decodeFacts, eventDeclarations } from "./catalogue.ts";
import { EventMeta } from "./meta.ts";
import { upcastContent, upcasters } from "./upcasters.ts";

const Shape = z.record(z.string(), z.unknown());
/** A version of an event as it was ever written. `today`, `sealedToday`: how it reads now, where that is otherwise. */
const Golden = z.strictObject({
  type: z.string(),
  version: z.int().min(1),
  shape: z.strictObject({ data: Shape, sealed: Shape.nullable() }),
  examples: z.array(
    z.strictObject({
      data: z.unknown(),
      sealed: z.unknown().optional(),
      today: z.unknown().optional(),
      sealedToday: z.unknown().optional(),
    }),
  ),
});
const GoldenMeta = z.strictObject({ shape: Shape, examples: z.array(z.unknown()).min(1) });

const folder = new URL("./golden/", import.meta.url);
const read = (file: string): unknown => JSON.parse(readFileSync(new URL(file, folder), "utf8"));
const files = readdirSync(folder).filter((file) => file !== "meta.json");
const golden = files.map((file) => ({ file, ...Golden.parse(read(file)) }));
const versions = golden.map(({ type, version }) => `${type}.v${version}.json`);

/** What differs between two JSON values, each difference by its path. */
function differences(was: unknown, is: unknown, path: string): string[] {
  if (isJson(was) && isJson(is)) {
    const keys = new Set([...Object.keys(was), ...Object.keys(is)]);
    return [...keys].flatMap((key) => {
      if (!(key in is)) return [`${path}.${key} is gone`];
      if (!(key in was)) return [`${path}.${key} is new`];
      return differences(was[key], is[key], `${path}.${key}`);
    });
  }
  const [before, now] = [JSON.stringify(was), JSON.stringify(is)];
  return before === now ? [] : [`${path} was ${before} and is ${now}`];
}

/** The paths of all fields that a shape names. */
const fieldsOf = (shape: unknown, path: string): string[] => {
  if (Array.isArray(shape)) return shape.flatMap((one) => fieldsOf(one, path));
  if (!isJson(shape)) return [];
  const inner = isJson(shape.properties) ? Object.entries(shape.properties) : [];
  return [
    ...inner.flatMap(([name, field]) => [`${path}.${name}`, ...fieldsOf(field, `${path}.${name}`)]),
    ...fieldsOf(shape.items, path),
    ...fieldsOf(shape.anyOf, path),
  ];
};
/** The paths of all fields that a value has. */
const shown = (value: unknown, path: string): string[] => {
  if (Array.isArray(value)) return value.flatMap((one) => shown(one, path));
  if (!isJson(value)) return [];
  return Object.entries(value).flatMap(([name, field]) => [`${path}.${name}`, ...shown(field, `${path}.${name}`)]);
};

const matches = (shape: unknown, value: unknown): string => {
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  return isJson(shape) && ajv.validate(shape, value) ? "" : ajv.errorsText();
};

describe("what was ever written can be read for ever:", () => {
  test("every version of every event, from the first to today's, has its golden file", () => {
    expect(golden.length).toBeGreaterThan(20);
    const missing = eventDeclarations.flatMap(({ type, version }) =>
      Array.from({ length: version }, (_, n) => `${type}.v${n + 1}.json`).filter((name) => !versions.includes(name)),
    );
    expect(missing, "run `npm run golden`, give the new files examples, and see docs/evolving-events.md").toEqual([]);
    expect(files, "a golden file is named <type>.v<version>.json").toEqual(versions);
  });

  test.each(golden)("$type v$version is known, and in no shape but the one it was written in", (file) => {
    const declaration = declarationOf(file.type);
    expect(declaration?.version, `${file.type} is in logs for ever: it cannot leave the catalogue`).toBeTypeOf(
      "number",
    );
    if (declaration?.version !== file.version) return;
    expect(
      differences(file.shape, eventShape(declaration), "shape"),
      `${file.type} v${file.version} is in logs as domain/golden/${file.file} says: leave that version alone. Declare ` +
        `version ${file.version + 1}, lift version ${file.version} in domain/upcasters.ts, then run \`npm run golden\``,
    ).toEqual([]);
  });

  test.each(golden)("$type v$version reads today as its golden file says", ({ type, version, shape, examples }) => {
    expect(examples.length).toBeGreaterThan(0);
    const sealedSchema = declarationOf(type)?.schema.sealed;
    for (const { data, sealed, today = data, sealedToday = sealed } of examples) {
      expect([matches(shape.data, data), shape.sealed === null ? "" : matches(shape.sealed, sealed)]).toEqual(["", ""]);
      expect(decodeFacts({ type, version, data: JSON.stringify(data) })).toEqual({ type, data: today });
      expect(sealedSchema?.parse(upcastContent(type, version, sealed))).toEqual(sealedToday);
    }
    const fields = [...fieldsOf(shape.data, "data"), ...fieldsOf(shape.sealed, "sealed")];
    const seen = new Set(examples.flatMap(({ data, sealed }) => [...shown(data, "data"), ...shown(sealed, "sealed")]));
    expect(fields.filter((field) => !seen.has(field))).toEqual([]);
  });

  test("a version that is not today's is lifted, and none beyond", () => {
    const older = eventDeclarations.flatMap(({ type, version }) =>
      Array.from({ length: version - 1 }, (_, n) => `${type} ${n + 1}`),
    );
    const lifted = Object.entries(upcasters).flatMap(([type, lifts]) => Object.keys(lifts).map((v) => `${type} ${v}`));
    expect(lifted.sort()).toEqual(older.sort());
  });

  test("what stands beside an event may gain fields that need not be there, and loses none", () => {
    const { shape, examples } = GoldenMeta.parse(read("meta.json"));
    const gone = differences(shape, shapeOf(EventMeta), "meta").filter((one) => !/properties\.\w+ is new$/.test(one));
    expect(gone, "the meta of an event has no version: only optional fields may be added").toEqual([]);
    for (const meta of examples) expect(EventMeta.parse(meta)).toEqual(meta);
    const seen = new Set(examples.flatMap((meta) => shown(meta, "meta")));
    expect(fieldsOf(shape, "meta").filter((field) => !seen.has(field))).toEqual([]);
  });
});
