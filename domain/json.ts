import { type Rejection, reject } from "./rejection.ts";

const MAX_DEPTH = 32;

/**
 * Parses JSON from a client: at most 32 deep, without U+0000 and unpaired surrogates in any string, and without names
 * that mean something to JavaScript itself.
 */
export function parseJson(text: string): { readonly value: unknown } | Rejection {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return reject("validation-failed", "the body is not JSON");
  }
  const fault = faultIn(value, 1);
  return fault === undefined ? { value } : reject("validation-failed", fault);
}

function faultIn(value: unknown, depth: number): string | undefined {
  if (typeof value === "string") return faultInString(value);
  if (typeof value !== "object" || value === null) return undefined;
  if (depth > MAX_DEPTH) return `JSON may be ${MAX_DEPTH} deep`;
  for (const [key, inner] of Object.entries(value)) {
    if (key === "__proto__") return "a field has a name that is not allowed";
    const fault = faultInString(key) ?? faultIn(inner, depth + 1);
    if (fault) return fault;
  }
  return undefined;
}

export function faultInString(value: string): string | undefined {
  if (value.includes("\u0000")) return "a text has the character U+0000";
  return value.isWellFormed() ? undefined : "a text has an unpaired surrogate";
}
