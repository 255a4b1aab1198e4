import type { Export } from "./export.ts";
import { places } from "./manifest.ts";

/** What somebody needs to know who finds an archive without anything else. */
export const readMe = ({ exportId, tenant, scope }: Export): string => `Export ${exportId} of ${tenant} (${scope.kind})

${scope.format}/          what was said and done, to be read
log/           the same as the log committed to it: a line for each revision of each stream
${places.people}   what people were called when this was made
${places.manifest}  what is in here, and up to where; ${places.note} is its signature
${places.files}      the SHA-256 of each file (sha256sum -c ${places.files})
${places.checkpoint}, ${places.keys}: the signed checkpoint of the verifiable log, and the key that it is signed by

Whether all of it is here, and nothing was altered, is told without network and without a server by

  scripta export check <this archive> --key <the log's verifier key>

Compare the key with one that you had from elsewhere: an archive can be signed by any key that it brings itself.
`;
