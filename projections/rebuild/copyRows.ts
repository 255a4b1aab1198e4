import type { Queryable } from "../../infra/ports/database.ts";
import type { InsertRows } from "../generations.ts";

interface Column {
  readonly name: string;
  readonly type: "json" | "array" | "scalar";
}

const CHUNK = 1 << 16;
/** What has a meaning of its own in COPY's text format. */
const SPECIAL = /[\\\t\n\r]/;
const escapes: Readonly<Record<string, string>> = { "\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r" };
const escaped = (text: string) =>
  SPECIAL.test(text) ? text.replace(/[\\\t\n\r]/g, (special) => escapes[special] ?? special) : text;

/** Rows of a generation's tables by COPY: the same values as `json_populate_recordset` makes of them. */
export async function copyRows(queryable: Queryable, schema: string): Promise<InsertRows> {
  const { rows } = await queryable.query<Column & { table: string }>(
    `select c.relname as table, a.attname as name,
       case when t.typcategory = 'A' then 'array' when t.typname in ('json', 'jsonb') then 'json' else 'scalar' end as type
     from pg_class c join pg_attribute a on a.attrelid = c.oid join pg_type t on t.oid = a.atttypid
     where c.relnamespace = $1::regnamespace and c.relkind = 'r' and a.attnum > 0 and not a.attisdropped
     order by c.relname, a.attnum`,
    [schema],
  );
  const tables = Map.groupBy(rows, ({ table }) => table);
  return async (tx, table, rows) => {
    const columns = tables.get(table);
    if (!columns) throw new Error(`${schema} has no table ${table}`);
    const names = columns.map(({ name }) => name).join(", ");
    await tx.copyIn(`copy ${schema}.${table} (${names}) from stdin`, chunks(columns, rows));
  };
}

function* chunks(columns: readonly Column[], rows: readonly object[]): Generator<string> {
  let chunk = "";
  for (const row of rows) {
    let separator = "";
    for (const { name, type } of columns) {
      chunk += separator + field(Reflect.get(row, name), type);
      separator = "\t";
    }
    chunk += "\n";
    if (chunk.length < CHUNK) continue;
    yield chunk;
    chunk = "";
  }
  if (chunk !== "") yield chunk;
}

function field(value: unknown, type: Column["type"]): string {
  if (value === null || value === undefined) return "\\N";
  if (type === "json") return escaped(JSON.stringify(value));
  if (type === "array" && Array.isArray(value)) return escaped(arrayLiteral(value));
  return typeof value === "string" ? escaped(value) : value instanceof Date ? value.toISOString() : String(value);
}

const arrayLiteral = (values: readonly unknown[]): string => `{${values.map(element).join(",")}}`;

function element(value: unknown): string {
  if (value === null || value === undefined) return "NULL";
  return Array.isArray(value) ? arrayLiteral(value) : `"${String(value).replace(/["\\]/g, "\\$&")}"`;
}
