/** Milliseconds since 1970, as this machine believes. */
export interface Clock {
  now(): number;
}
