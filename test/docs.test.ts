import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";

const root = new URL("..", import.meta.url).pathname;
const pages = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "*.md"], {
  cwd: root,
  encoding: "utf8",
})
  .split("\n")
  .filter((page) => page !== "" && existsSync(join(root, page)));
const textOf = (page: string) => readFile(join(root, page), "utf8");

test("every link of a page to another file leads to one", async () => {
  expect(pages.length).toBeGreaterThan(5);
  const broken: string[] = [];
  for (const page of pages)
    for (const [, link = ""] of (await textOf(page)).matchAll(/\]\(([^)#\s]+)[^)]*\)/g))
      if (!/^[a-z]+:/.test(link) && !existsSync(join(root, dirname(page), link))) broken.push(`${page}: ${link}`);
  expect(broken).toEqual([]);
});

test("every file that a page names by its path is there", async () => {
  const folders =
    "domain|sealing|commands|projections|accounts|read-api|realtime|infra|operator|clients|bench|test|docs";
  const named = new RegExp(`\`((?:${folders})/[\\w./-]+[.](?:ts|sql|json|md))\``, "g");
  const missing: string[] = [];
  for (const page of pages)
    for (const [, path = ""] of (await textOf(page)).matchAll(named))
      if (!existsSync(join(root, path))) missing.push(`${page}: ${path}`);
  expect(missing).toEqual([]);
});

test("every decision is in the index", async () => {
  const index = await textOf("docs/decisions/README.md");
  const decisions = pages
    .filter((page) => /^docs\/decisions\/\d/.test(page))
    .map((page) => page.slice("docs/decisions/".length));
  expect(decisions.filter((file) => !index.includes(`(${file})`))).toEqual([]);
});
