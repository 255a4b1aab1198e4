import { parseJson } from "../domain/json.ts";
import { ClientFrame } from "./frames.ts";

/** A client's frame; undefined for whatever is not one. */
export function readFrame(data: unknown): ClientFrame | undefined {
  if (!Buffer.isBuffer(data)) return undefined;
  const parsed = parseJson(data.toString("utf8"));
  if (!("value" in parsed)) return undefined;
  const frame = ClientFrame.safeParse(parsed.value);
  return frame.success ? frame.data : undefined;
}
