#!/usr/bin/env node
// Plain JavaScript, so that an older Node can at least say what is wrong.
const [major, minor] = process.versions.node.split(".").map(Number);
if (major > 24 || (major === 24 && minor >= 12)) await import("./scripta.ts");
else {
  process.stderr.write(
    `scripta: needs Node 24.12 or newer and was run by ${process.versions.node}. Where Scripta was installed by ` +
      "`npm ci` the right one came along: run `npx scripta …` or `npm start` there.\n",
  );
  process.exitCode = 2;
}
