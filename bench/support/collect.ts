import { setTimeout as pause } from "node:timers/promises";

/** Loaded into a program under measurement: on "collect" it gives back its garbage and answers with its resident bytes. */
process.on("message", async (asked) => {
  if (asked !== "collect" || !globalThis.gc) return;
  for (let turn = 0; turn < 4; turn++) {
    globalThis.gc({ type: "major", execution: "sync", flavor: "last-resort" });
    await pause(250);
  }
  process.send?.(process.memoryUsage.rss());
});
process.channel?.unref();
