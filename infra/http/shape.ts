import type { z } from "zod";
import { type Rejection, reject } from "../../domain/rejection.ts";

const isTooLarge = (issue: z.core.$ZodIssue): boolean =>
  issue.code === "custom" && issue.params?.["code"] === "too-large";

/** What is wrong with a payload, by path. Never its values: they may be personal. */
export function misshapen(error: z.ZodError): Rejection {
  const issues = error.issues.slice(0, 20);
  if (issues.length > 0 && issues.every(isTooLarge)) return reject("too-large", "a text has more bytes than it may");
  return {
    ...reject("validation-failed", "the request is not of the shape that it must have"),
    errors: issues.map((issue) => ({ path: issue.path.join("."), message: messageOf(issue) })),
  };
}

function messageOf(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case "unrecognized_keys":
      return "has fields that are not known";
    case "invalid_type":
      return `must be ${issue.expected}`;
    case "invalid_value":
      return `must be one of ${issue.values.map(String).join(", ")}`;
    case "too_big":
      return `must be at most ${issue.maximum}`;
    case "too_small":
      return `must be at least ${issue.minimum}`;
    case "custom":
      return issue.message;
    default:
      return "is not of its form";
  }
}
