import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Changes the gateway of a checkout: a comment alone would build the same image. */
export function setGatewayVersion(checkoutDir: string, version: string): void {
  const server = join(checkoutDir, 'internal/api/server.go');
  const text = readFileSync(server, 'utf8');
  writeFileSync(server, text.replace(/^const Version = ".*"$/m, `const Version = "${version}"`));
}
