import { isJson, type Json } from "../ports/jsonSchema.ts";

/** A field of a JSON schema, in words. */
export interface Field {
  readonly name: string;
  /** Such as `uuid`, `array of string`, `"direct"`. */
  readonly type: string;
  readonly required: boolean;
  /** Limits and what it is for. */
  readonly about: string;
  readonly fields: readonly Field[];
}

const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** The alternatives of a schema that has some, without `null`. */
const alternatives = (schema: Json): readonly Json[] =>
  [...list(schema.anyOf), ...list(schema.oneOf)].filter(isJson).filter(({ type }) => type !== "null");

const isNullable = (schema: Json): boolean =>
  [...list(schema.anyOf), ...list(schema.oneOf)].some((option) => isJson(option) && option.type === "null") ||
  list(schema.type).includes("null");

/** The fields of an object; of a choice of objects those of each. */
export function fieldsOf(schema: Json): readonly Field[] {
  if (isJson(schema.properties)) {
    const required = list(schema.required);
    return Object.entries(schema.properties).flatMap(([name, field]) =>
      isJson(field) ? [fieldOf(name, field, required.includes(name))] : [],
    );
  }
  if (isJson(schema.items)) return fieldsOf(schema.items);
  const options = alternatives(schema);
  const [only] = options;
  if (options.length === 1 && only) return fieldsOf(only);
  return options
    .filter((option) => isJson(option.properties))
    .map((option) => ({ name: nameOf(option), type: "one of", required: false, about: "", fields: fieldsOf(option) }));
}

const fieldOf = (name: string, schema: Json, required: boolean): Field => ({
  name,
  type: typeOf(schema) + (isNullable(schema) ? " or null" : ""),
  required,
  about: [limitsOf(schema), schema.description].filter((text) => typeof text === "string" && text !== "").join("; "),
  fields: fieldsOf(schema),
});

/** A variant is called by the constant that tells it from the others. */
function nameOf(option: Json): string {
  if (!isJson(option.properties)) return "";
  for (const [name, field] of Object.entries(option.properties))
    if (isJson(field) && typeof field.const === "string") return `${name} ${JSON.stringify(field.const)}`;
  return Object.keys(option.properties).join(", ");
}

function typeOf(schema: Json): string {
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (Array.isArray(schema.enum)) return schema.enum.map((value) => JSON.stringify(value)).join(" or ");
  if (schema.type === "array") return `array of ${isJson(schema.items) ? typeOf(schema.items) : "anything"}`;
  if (typeof schema.format === "string") return schema.format;
  if (Array.isArray(schema.type)) return schema.type.filter((type) => type !== "null").join(" or ");
  if (typeof schema.type === "string") return schema.type;
  const options = [...new Set(alternatives(schema).map(typeOf))];
  return options.length > 0 ? options.join(" or ") : "anything";
}

const LARGEST = Number.MAX_SAFE_INTEGER;

function limitsOf(schema: Json): string {
  const [only, ...more] = alternatives(schema);
  if (only && more.length === 0) return limitsOf(only);
  const said: string[] = [];
  const { minimum, maximum, minLength, maxLength, maxItems, pattern } = schema;
  if (typeof minimum === "number" && minimum > -LARGEST) said.push(`at least ${minimum}`);
  if (typeof maximum === "number" && maximum < LARGEST) said.push(`at most ${maximum}`);
  if (typeof minLength === "number") said.push(`at least ${minLength} characters`);
  if (typeof maxLength === "number") said.push(`at most ${maxLength} characters`);
  if (typeof maxItems === "number") said.push(`at most ${maxItems} items`);
  if (typeof pattern === "string" && schema.format === undefined) said.push(`matches ${pattern}`);
  if (schema.default !== undefined) said.push(`default ${JSON.stringify(schema.default)}`);
  return said.join(", ");
}

const ID = "01a0c7d2-5b1e-7c3a-9f40-2d6f0f8a1b11";
const examplesByName: Readonly<Record<string, unknown>> = {
  username: "ada",
  password: "a long enough password",
  displayName: "Ada",
  name: "lunch",
  platform: "cli",
  text: "hello",
  emoji: "👍",
  revision: 17,
  position: 90211,
  seq: 42,
  traceId: "4bf92f3577b34da6a3ce929d0e0e4736",
};

/** A value that the schema might hold, for people to look at; `spare`: without most of what may be left out. */
export function exampleOf(schema: Json, spare = false, name = ""): unknown {
  if (schema.const !== undefined) return schema.const;
  if (Array.isArray(schema.enum)) return schema.enum[0];
  if (isJson(schema.properties)) {
    const required = list(schema.required);
    return Object.fromEntries(
      Object.entries(schema.properties).flatMap(([key, field]) =>
        isJson(field) && (!spare || required.includes(key) || key in examplesByName)
          ? [[key, exampleOf(field, spare, key)]]
          : [],
      ),
    );
  }
  if (schema.type === "array") return isJson(schema.items) ? [exampleOf(schema.items, spare, name)] : [];
  const [first] = alternatives(schema);
  if (first) return exampleOf(first, spare, name);
  if (schema.format === "uuid") return ID;
  if (schema.format === "date-time") return "2026-11-21T08:00:00.000Z";
  if (name in examplesByName) return examplesByName[name];
  if (schema.default !== undefined) return schema.default;
  if (schema.type === "integer" || schema.type === "number") return 1;
  if (schema.type === "boolean") return false;
  return schema.type === "null" ? null : "…";
}
