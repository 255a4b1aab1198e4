import { readFileSync } from "node:fs";

/**
 * Loaded before a program (`node --import`), it lets a test step the program's clock: milliseconds in the file that
 * FAULT_CLOCK names are added to every time that the program asks for. The file is read again a few times a second.
 */
const file = process.env.FAULT_CLOCK ?? "";
let offsetMs = 0;
const read = () => {
  try {
    offsetMs = Number(readFileSync(file, "utf8")) || 0;
  } catch {
    offsetMs = 0; // no step was made yet
  }
};
read();
setInterval(read, 50).unref();

const TrueDate = Date;
globalThis.Date = new Proxy(TrueDate, {
  construct: (target, given, made) =>
    Reflect.construct(target, given.length === 0 ? [TrueDate.now() + offsetMs] : given, made),
  get: (target, name, receiver) =>
    name === "now" ? () => TrueDate.now() + offsetMs : Reflect.get(target, name, receiver),
});
