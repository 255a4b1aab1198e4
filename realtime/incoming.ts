import { z } from "zod";
import { faultInString, parseJson } from "../domain/json.ts";
import { isRejection, type Rejection } from "../domain/rejection.ts";
import { misshapen } from "../infra/ports/door.ts";
import { ClientFrame, CommandId } from "./frames.ts";

/** A command that is none: it is told so, and the socket goes on. */
export interface RefusedCommand {
  readonly type: "refused";
  readonly id: string;
  readonly rejection: Rejection;
}

const Addressed = z.object({
  type: z.literal("command"),
  id: CommandId.refine((id) => faultInString(id) === undefined),
});

/** A client's frame; undefined for whatever is not of the protocol. */
export function readFrame(data: unknown): ClientFrame | RefusedCommand | undefined {
  if (!Buffer.isBuffer(data)) return undefined;
  const text = data.toString("utf8");
  const parsed = parseJson(text);
  if (isRejection(parsed)) return refused(jsonIn(text), parsed);
  const frame = ClientFrame.safeParse(parsed.value);
  return frame.success ? frame.data : refused(parsed.value, misshapen(frame.error));
}

function refused(value: unknown, rejection: Rejection): RefusedCommand | undefined {
  const { data } = Addressed.safeParse(value);
  return data && { type: "refused", id: data.id, rejection };
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
