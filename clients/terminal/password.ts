import { createInterface } from "node:readline";
import { Writable } from "node:stream";

/** There is nobody to ask, or nobody who says it. */
export class NoPassword extends Error {
  override name = "NoPassword";
}

/**
 * From the environment (`SCRIPTA_PASSWORD`), or asked for without showing what is typed.
 * @throws NoPassword
 */
export async function askPassword(user: string): Promise<string> {
  const given = process.env.SCRIPTA_PASSWORD;
  if (given) return given;
  if (!process.stdin.isTTY) throw new NoPassword("no terminal to ask for the password in: set SCRIPTA_PASSWORD");
  process.stdout.write(`Password of ${user}: `);
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: silent, terminal: true });
  try {
    return await new Promise<string>((resolve, reject) => {
      lines.once("line", resolve);
      lines.once("SIGINT", () => reject(new NoPassword("no password was given")));
      lines.once("close", () => reject(new NoPassword("no password was given")));
    });
  } finally {
    lines.close();
    process.stdout.write("\n");
  }
}
