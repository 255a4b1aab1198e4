import type { Entry } from "../entry.ts";

/** Why a text is not there, in words; undefined where it is. */
export function missing({ state, text }: Entry): string | undefined {
  if (state === "erased") return "erased";
  if (state === "closed") return "not opened in this export";
  if (text !== null) return undefined;
  return state === "held" ? "kept by a legal hold, not opened in this export" : undefined;
}

const word = (details: Entry["details"], name: string): string => {
  const value = details[name];
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? String(value) : "";
};

/** What happened but was not said, in one line, after the name of whom it is about. */
export function happened({ what, text, seq, details }: Entry): string {
  switch (what) {
    case "created":
      return `conversation created (${word(details, "kind")}, history visible: ${word(details, "historyVisibility")})`;
    case "named":
      return `conversation named: ${text ?? ""}`;
    case "described":
      return `conversation described: ${text ?? "(no description)"}`;
    case "redacted":
      return "names of before were redacted";
    case "pictured":
      return "picture changed";
    case "history":
      return `history visible: ${word(details, "historyVisibility")}`;
    case "joined":
      return `joined as ${word(details, "role")}`;
    case "role":
      return `is now ${word(details, "role")}`;
    case "left":
      return "left";
    case "deleted":
      return `message ${seq} deleted`;
    case "reacted":
      return `reacted to message ${seq}: ${word(details, "emoji")}`;
    case "unreacted":
      return `took back from message ${seq}: ${word(details, "emoji")}`;
    case "acknowledgement-asked":
      return `asked for message ${seq} to be acknowledged by ${word(details, "ackBy")}`;
    case "acknowledged":
      return `acknowledged message ${seq}`;
    case "fell-due":
      return `message ${seq} was not acknowledged in time by ${JSON.stringify(details)}`;
    case "expired":
      return `past retention: ${Array.isArray(details.days) ? details.days.join(", ") : ""}`;
    case "registered":
      return `registered as ${word(details, "username")}, called ${word(details, "displayName")}`;
    case "profile":
      return `is called ${word(details, "displayName")}`;
    case "signed-in":
      return `signed in on ${word(details, "name")} (${word(details, "platform")})`;
    case "signed-out":
      return "signed out";
    case "sent":
    case "edited":
      return `message ${seq}`;
    case "preferences":
    case "marked":
    case "deactivated":
    case "reactivated":
    case "erased":
    case "roles":
      return `${what} ${JSON.stringify(details)}`;
    default:
      return what satisfies never;
  }
}
