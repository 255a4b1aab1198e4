import type { OpenDoor } from "../ports/door.ts";

export const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"] as const;

const isMethod = (word: string): word is (typeof METHODS)[number] => METHODS.some((method) => method === word);

export function routeOf(it: Pick<OpenDoor, "route">): { method: (typeof METHODS)[number]; path: string } {
  const [method = "", path = ""] = it.route.split(" ");
  if (!isMethod(method)) throw new Error(`${it.route} has no method that is known`);
  return { method, path };
}
