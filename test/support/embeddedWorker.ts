import { startEmbedded } from "../../infra/postgres/embedded.ts";

/** A process that runs the embedded database of a data folder until it is killed; prints the URL once it is ready. */
const [dataFolder = ""] = process.argv.slice(2);
process.on("SIGINT", () => undefined); // as a program that drains
const { connection, ended } = await startEmbedded({ dataFolder, log: () => undefined });
process.stdout.write(`${connection}\n`);
await ended;
