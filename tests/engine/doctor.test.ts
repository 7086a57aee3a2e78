import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { print } from '../../cli/output.ts';
import upstreamImages from '../../components/upstream-images.json' with { type: 'json' };
import type { Finding } from '../../preflight/finding.ts';
import { copyCheckout, docker, gatewayctl, makeRoot, type Shell } from '../helpers/engine.ts';

const project = 'taxlien-gateway-stage';
const bindIp = '127.0.10.4';
let shell: Shell;
let envFile: string;
let good: string;

beforeAll(async () => {
  shell = { checkout: await copyCheckout('doctor'), root: makeRoot('doctor') };
  await gatewayctl(shell, ['init', 'stage', '--bind-ip', bindIp]);
  envFile = join(shell.root, 'stage/.env');
  good = readFileSync(envFile, 'utf8');
});

afterAll(() => shell.checkout.remove());

async function diagnose(text = good): Promise<{ exitCode: number; findings: readonly Finding[] }> {
  writeFileSync(envFile, text);
  const { exitCode, stdout } = await gatewayctl(shell, ['doctor', 'stage', '--json'], 'any');
  return { exitCode, findings: (JSON.parse(stdout) as { findings: readonly Finding[] }).findings };
}

const codesOf = ({ exitCode, findings }: { exitCode: number; findings: readonly Finding[] }) => ({
  exitCode,
  codes: findings.map(({ code }) => code),
});

const withBindIp = (address: string) => good.replace(/^BIND_IP=.*$/m, `BIND_IP=${address}`);

test('a new instance is well, and that is said within a second more than the help', async () => {
  const took = async (work: () => Promise<unknown>) => {
    const started = performance.now();
    await work();
    return Math.round(performance.now() - started);
  };
  const turns: { doctor: number; help: number }[] = [];
  for (let turn = 0; turn < 5; turn += 1) {
    const help = await took(() => gatewayctl(shell, ['--help']));
    const doctor = await took(async () => expect(codesOf(await diagnose())).toEqual({ exitCode: 0, codes: [] }));
    turns.push({ doctor, help });
  }
  print(`doctor: ${turns.map(({ doctor, help }) => `${doctor} ms (help ${help} ms)`).join(', ')}`);
  // The start of the program, which a busy machine makes slow, is in both.
  expect(Math.min(...turns.map(({ doctor, help }) => doctor - help))).toBeLessThan(1000);
});

test.each(['0.0.0.0', '', '::', '224.0.0.1', '10.0.0.256', 'x; id', '192.0.2.1'])(
  'BIND_IP=%s is that one error',
  async (address) => {
    expect(codesOf(await diagnose(withBindIp(address)))).toEqual({ exitCode: 1, codes: ['E_BIND_IP'] });
  },
);

test('containers that hold a port and a name, and a network, are told by name', async () => {
  await docker('run', '--detach', '--name', 'holder', '--publish', `${bindIp}:6379:6379`, upstreamImages.redis);
  await docker('create', '--name', `${project}-db`, '--label', 'com.docker.compose.project=shop', upstreamImages.redis);
  await docker('network', 'create', `${project}_default`);
  try {
    const found = await diagnose();
    expect(found.findings.map(({ code, message }) => `${code} ${message}`).sort()).toEqual([
      `E_NAME_TAKEN container ${project}-db: is not of this stack (got project shop)`,
      `E_NAME_TAKEN network ${project}_default: is not of this stack (got no project)`,
      `E_PORT_TAKEN ${bindIp}:6379 (redis): is taken (got container holder)`,
    ]);
    expect(found.exitCode).toBe(1);
  } finally {
    await docker('rm', '--force', '--volumes', 'holder', `${project}-db`);
    await docker('network', 'rm', `${project}_default`);
  }
  expect(codesOf(await diagnose())).toEqual({ exitCode: 0, codes: [] });
});

test('what is only risky is a warning and exit 0', async () => {
  chmodSync(envFile, 0o640);
  const found = await diagnose(good.replace(/^WORKER_TOKEN=.*$/m, 'WORKER_TOKEN=changeme-changeme'));
  chmodSync(envFile, 0o600);
  expect(codesOf(found)).toEqual({ exitCode: 0, codes: ['W_ENV_MODE', 'W_SECRET_WEAK'] });
});

test('another environment with the same address is an error of both', async () => {
  await gatewayctl(shell, ['init', 'prod', '--bind-ip', bindIp]);
  const found = await diagnose();
  expect(new Set(found.findings.map(({ code }) => code))).toEqual(new Set(['E_ADDRESS_SHARED']));
  expect(found.findings).toHaveLength(5);
});
