import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Database } from "../../infra/ports/database.ts";

/** How a word may lie in bytes, by the name of the way. */
export function disguises(word: string): ReadonlyMap<string, Buffer> {
  const utf8 = Buffer.from(word);
  const escaped = [...word].map((letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`).join("");
  // What stands beside the word takes part in the first and last characters of base64.
  const aligned = [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), utf8])
      .toString("base64")
      .replace(/=+$/, "");
    return text.slice(before === 0 ? 0 : before + 1, -1);
  });
  return new Map([
    ["UTF-8", utf8],
    ["UTF-16LE", Buffer.from(word, "utf16le")],
    ["UTF-16BE", Buffer.from(word, "utf16le").swap16()],
    ["hex", Buffer.from(utf8.toString("hex"))],
    ["HEX", Buffer.from(utf8.toString("hex").toUpperCase())],
    ["JSON escapes", Buffer.from(escaped)],
    ["hex of UTF-16LE", Buffer.from(Buffer.from(word, "utf16le").toString("hex"))],
    ...aligned.map((text, before) => [`base64, ${before} after a boundary`, Buffer.from(text)] as const),
    ["reversed", Buffer.from([...word].reverse().join(""))],
    ["capitals", Buffer.from(word.toUpperCase())],
  ]);
}

/** Where a word lies in some bytes, with what stands around it. */
export function tracesIn(bytes: Buffer, where: string, word: string): string[] {
  const found: string[] = [];
  for (const [disguise, pattern] of disguises(word)) {
    const at = bytes.indexOf(pattern);
    if (at < 0) continue;
    const around = bytes.subarray(Math.max(0, at - 60), at + pattern.length + 60).toString("latin1");
    found.push(`${where} as ${disguise}: ${JSON.stringify(around)}`);
  }
  return found;
}

/** Looks into every file below a folder. */
export async function tracesInFiles(folder: string, word: string): Promise<{ files: number; found: string[] }> {
  const found: string[] = [];
  let files = 0;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const bytes = await readFile(path).catch((error: unknown) => {
      // A file that is gone between listing and reading holds nothing.
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return Buffer.alloc(0);
      throw error;
    });
    files++;
    found.push(...tracesIn(bytes, path.slice(folder.length + 1), word), ...tracesIn(Buffer.from(path), "a name", word));
  }
  return { files, found };
}

/** Looks into every row of every table, as PostgreSQL shows it: compressed values are read whole. */
export async function tracesInTables(database: Database, word: string): Promise<{ rows: number; found: string[] }> {
  const { rows: tables } = await database.query<{ name: string }>(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables
     where schemaname not in ('pg_catalog', 'information_schema')`,
  );
  const found: string[] = [];
  let count = 0;
  for (const { name } of tables) {
    const { rows } = await database.query<{ row: string }>(`select t::text as row from ${name} t`);
    count += rows.length;
    found.push(...tracesIn(Buffer.from(rows.map(({ row }) => row).join("\n")), name, word));
  }
  return { rows: count, found };
}
