import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import type { WebSocket } from "ws";
import { openRelaySocket, openSocket, type SignedIn } from "./people.ts";

/**
 * Opens a socket for each person in a file and leaves them idle, in a process of its own: `crowd.ts <url> <file> <kind>`.
 * Prints `open <n>`; on each line of input, how many are open still; ends with its input.
 */
const [url = "", file = "", kind = ""] = process.argv.slice(2);
const CONNECTING_AT_ONCE = 32;
const people: SignedIn[] = JSON.parse(readFileSync(file, "utf8"));
const sockets: WebSocket[] = [];

const waiting = people.values();
const connect = async () => {
  for (const person of waiting)
    sockets.push(await (kind === "relay" ? openRelaySocket(url, "everybody") : openSocket(url, person)));
};
await Promise.all(Array.from({ length: CONNECTING_AT_ONCE }, connect));
console.log(`open ${sockets.length}`);
for await (const _ of createInterface({ input: process.stdin }))
  console.log(`open ${sockets.filter(({ readyState, OPEN }) => readyState === OPEN).length}`);
process.exit(0);
