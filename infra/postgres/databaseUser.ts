import { execFileSync } from "node:child_process";

/** Numeric ids of the user that the embedded PostgreSQL runs as. */
export interface DatabaseUser {
  readonly uid: number;
  readonly gid: number;
}

const NAME = "postgres";

const output = (command: string, ...args: string[]) =>
  execFileSync(command, args, { stdio: ["ignore", "pipe", "ignore"], encoding: "utf8" }).trim();

function look(): DatabaseUser | undefined {
  try {
    return { uid: Number(output("id", "-u", NAME)), gid: Number(output("id", "-g", NAME)) };
  } catch {
    return undefined; // `id` fails for a name that nobody has
  }
}

/**
 * PostgreSQL refuses to run as root: then it runs as the user `postgres`, made where missing.
 * `undefined`: it runs as whoever runs us.
 */
export function databaseUser(): DatabaseUser | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const known = look();
  if (known) return known;
  try {
    output("useradd", "--system", "--user-group", "--no-create-home", NAME);
  } catch {
    output("adduser", "-S", "-D", "-H", NAME); // Alpine's
  }
  const made = look();
  if (!made) throw new Error(`cannot make the user ${NAME}: make it by hand, or start Scripta as an ordinary user`);
  return made;
}
