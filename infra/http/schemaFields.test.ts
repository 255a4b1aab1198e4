import { expect, test } from "vitest";
import { z } from "zod";
import { jsonSchema } from "../ports/jsonSchema.ts";
import { exampleOf, fieldsOf } from "./schemaFields.ts";

const schemaOf = (schema: z.ZodType) => jsonSchema(schema, "input");

test("a field is described with its type, its limits and what it is for", () => {
  const schema = z.strictObject({
    seq: z.int().min(1).describe("Dense."),
    name: z.string().max(20).nullable().optional(),
    ids: z.array(z.uuid()).max(3).default([]),
  });
  expect(fieldsOf(schemaOf(schema))).toEqual([
    { name: "seq", type: "integer", required: true, about: "at least 1; Dense.", fields: [] },
    { name: "name", type: "string or null", required: false, about: "at most 20 characters", fields: [] },
    { name: "ids", type: "array of uuid", required: false, about: "at most 3 items, default []", fields: [] },
  ]);
});

test("variants are named by the constant that tells them apart, and fields within fields are kept", () => {
  const schema = z.discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("direct"), userId: z.uuid() }),
    z.strictObject({ kind: z.literal("group"), members: z.array(z.strictObject({ userId: z.uuid() })) }),
  ]);
  const variants = fieldsOf(schemaOf(schema));
  expect(variants.map(({ name }) => name)).toEqual(['kind "direct"', 'kind "group"']);
  expect(variants[1]?.fields[1]).toMatchObject({ name: "members", fields: [{ name: "userId", type: "uuid" }] });
});

test("an example of a request is one that the schema takes", () => {
  const schema = z.strictObject({
    id: z.uuid(),
    text: z.string().nullable().optional(),
    ciphertext: z.base64().optional(),
  });
  const example = exampleOf(schemaOf(schema), true);
  expect(schema.safeParse(example).success).toBe(true);
  expect(example).not.toHaveProperty("ciphertext");
});

test("what is recursive is described as anything, without a reference that leads nowhere", () => {
  expect(JSON.stringify(schemaOf(z.strictObject({ keyInfo: z.json() })))).not.toMatch(/\$ref|\$defs/);
});
