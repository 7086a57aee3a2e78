import { createCipheriv, pbkdf2Sync } from 'node:crypto';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loginFindings } from '../../../../cli/deploy/logins.ts';
import { checkpointFile } from '../../../../cli/stack/state-files.ts';
import { DockerClient } from '../../../../docker/client.ts';
import type { Settings } from '../../../../settings/load.ts';
import { shownFindings } from '../../../helpers/findings.ts';
import { testSecrets, testSettings } from '../../../helpers/instance.ts';
import { stubProgram } from '../../../helpers/stub-program.ts';
import { temporaryDir, writeFiles } from '../../../helpers/temporary.ts';

/** A salt as Pulumi writes it for a passphrase. */
function saltOf(passphrase: string): string {
  const [salt, nonce] = [Buffer.alloc(8, 1), Buffer.alloc(12, 2)];
  const key = pbkdf2Sync(passphrase, salt, 1_000_000, 32, 'sha256');
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  const sealed = Buffer.concat([cipher.update('pulumi'), cipher.final(), cipher.getAuthTag()]);
  return ['v1', salt.toString('base64'), 'v1', nonce.toString('base64'), sealed.toString('base64')].join(':');
}

interface Subject {
  /** Script of `docker`; default: psql logs in. */
  readonly docker?: string;
  /** Salt in the state; without one there is no state. */
  readonly salt?: string;
}

async function findingsOf({ docker = 'exit 0', salt }: Subject, prepare: (settings: Settings) => void = () => {}) {
  const root = temporaryDir();
  const settings = testSettings({ root });
  writeFiles(root, { 'dev/secrets/pulumi-passphrase': 'the passphrase\n' });
  if (salt !== undefined) {
    const state = { checkpoint: { latest: { secrets_providers: { state: { salt } } } } };
    writeFiles('/', { [checkpointFile(settings.instance)]: JSON.stringify(state) });
  }
  prepare(settings);
  stubProgram('docker', docker.replaceAll('<root>', root));
  const found = await loginFindings(settings, new DockerClient('unix:///d.sock'));
  return { shown: shownFindings(found, root), root };
}

test('the password goes through standard input only, to the host and role that the gateway uses', async () => {
  const { shown, root } = await findingsOf({ docker: 'echo "$*" >>"<root>/args"; cat >"<root>/input"' });
  expect(shown).toEqual([]);
  expect(readFileSync(join(root, 'input'), 'utf8')).toBe(`${testSecrets.POSTGRES_PASSWORD}\nselect 1;\n`);
  const args = readFileSync(join(root, 'args'), 'utf8');
  expect(args).toContain('--host db --username gateway --dbname gateway');
  expect(args).not.toContain(testSecrets.POSTGRES_PASSWORD);
});

test('a refused password', async () => {
  const refused = 'psql: error: connection to server at "db" failed: FATAL:  password authentication failed for user';
  const { shown } = await findingsOf({ docker: `echo '${refused}' >&2; exit 2` });
  expect(shown).toEqual([
    'E_POSTGRES_PASSWORD error: <root>/dev/.env POSTGRES_PASSWORD: is not the password of the database (got a refused login as gateway). The next deploy would start a gateway that cannot log in. Restore the old value in the .env (sudo cat <root>/dev/secrets/db/postgres_password prints it); for a new one: ./gatewayctl rotate dev POSTGRES_PASSWORD',
  ]);
});

test('a login that fails for another reason is a warning with its last line', async () => {
  const { shown } = await findingsOf({ docker: 'printf "first\\nno such host db\\n" >&2; exit 2' });
  expect(shown).toEqual([
    'W_DATABASE_LOGIN warning: taxlien-gateway-dev-db: must let gateway log in (got no such host db). POSTGRES_PASSWORD could not be checked, and the gateway may not reach its database either. Read its log (docker logs --tail 20 taxlien-gateway-dev-db); if it was disconnected from its network: ./gatewayctl up dev',
  ]);
});

test.each([
  ['a container that is missing', 'echo "Error: No such container" >&2; exit 1'],
  ['a database that refuses the query', 'echo "password authentication failed" >&2; exit 3'],
])('%s is no refused login', async (_, docker) => {
  expect((await findingsOf({ docker })).shown).toEqual([]);
});

const other = (got: string) => [
  `E_PASSPHRASE_OTHER error: <root>/dev/secrets/pulumi-passphrase: does not decrypt the state (got ${got}). No deploy can read the secrets in its own state. Restore the old passphrase from a backup of <root>/dev/secrets.`,
];
const anotherOne = 'another passphrase than that of <root>/dev/state/.pulumi/stacks/taxlien-gateway/dev.json';

test('the passphrase of the state, and another one', async () => {
  expect((await findingsOf({ salt: saltOf('the passphrase') })).shown).toEqual([]);
  expect((await findingsOf({ salt: saltOf('the old passphrase') })).shown).toEqual(other(anotherOne));
});

test.each(['v1', 'v1:AQEB:v1:AgIC', `${saltOf('the passphrase').slice(0, -12)}`])(
  'a damaged salt %j is a finding too',
  async (salt) => {
    expect((await findingsOf({ salt })).shown).toEqual(other(anotherOne));
  },
);

test('a passphrase that is missing', async () => {
  const remove = ({ instance }: Settings) => rmSync(instance.passphraseFile);
  expect((await findingsOf({ salt: saltOf('the passphrase') }, remove)).shown).toEqual(other('no file'));
  expect((await findingsOf({}, remove)).shown).toEqual([]);
});

test('a state that is cut off has no salt to compare with', async () => {
  const cut = ({ instance }: Settings) => {
    writeFiles('/', { [checkpointFile(instance)]: '{"checkpoint":{"latest"' });
    expect(existsSync(checkpointFile(instance))).toBe(true);
  };
  expect((await findingsOf({}, cut)).shown).toEqual([]);
});
