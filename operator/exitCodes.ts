/** What the shell learns of a command's end. */
export const exitCodes = {
  done: 0,
  /** It was refused, or something is wrong. */
  failed: 1,
  /** The command line or the configuration does not hold. */
  usage: 2,
  folderBusy: 3,
  portInUse: 4,
  /** The log lies behind what was seen of it. */
  logBehind: 5,
  interrupted: 130,
} as const;

export const exitCodesHelp = `
Exit codes: 0 done; 1 refused, or something is wrong; 2 the command line or the configuration does not hold;
  3 the data folder is in use; 4 the port is in use; 5 the log lies behind what was seen of it; 130 interrupted.`;
