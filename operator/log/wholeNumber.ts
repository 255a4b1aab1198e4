import { CommandFailed } from "../commandFailed.ts";

/** @throws CommandFailed */
export function wholeNumber(flag: string, text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value)) throw new CommandFailed(`${flag} takes a whole number`);
  return value;
}

/** A position of the log, where one is given. @throws CommandFailed */
export const positionFlag = (flag: string, text: string | undefined): number | undefined =>
  text === undefined ? undefined : wholeNumber(flag, text);
