/**
 * The name of a log: an epoch is a log of its own, since its entries may begin otherwise than what was signed before.
 * @param name as configured
 */
export const originOf = (name: string, epoch: number): string => (epoch === 1 ? name : `${name}/epoch-${epoch}`);
