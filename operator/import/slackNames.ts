import { DisplayName } from "../../domain/user/profile.ts";

/** How a person is called in an export. */
export interface SlackNames {
  readonly slackId: string;
  readonly name: string;
  readonly realName?: string;
  readonly displayName?: string;
}

/** User names for this person, the wanted one first; the last is taken by nobody else. */
export function usernamesFor({ slackId, name }: SlackNames, userId: string): string[] {
  const wanted = name
    .toLowerCase()
    .replace(/[^a-z0-9._-]/gu, "-")
    .replace(/^[^a-z0-9]+/, "")
    .slice(0, 24);
  const short = slackId
    .slice(-6)
    .toLowerCase()
    .replace(/[^a-z0-9]/gu, "-");
  const own = `u-${userId.slice(0, 30)}`;
  return wanted.length < 2 ? [`u-${short}`, own] : [wanted, `${wanted}-${short}`, own];
}

/** The first name that says anything, within what a display name may be. */
export function displayNameFor({ slackId, name, realName, displayName }: SlackNames): string {
  for (const wanted of [displayName, realName, name]) {
    if (!wanted) continue;
    const fitting = wanted.replaceAll("\u0000", "").slice(0, 128).toWellFormed();
    if (DisplayName.safeParse(fitting).success) return fitting;
  }
  return slackId;
}
