import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, copyFileSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { run } from '../../host/process.ts';
import { waitUntil } from '../../host/wait.ts';
import { readIfThere } from '../../host/whole-file.ts';
import { workTree } from '../helpers/engine.ts';
import { temporaryDir, writeFiles } from '../helpers/temporary.ts';

const programs = [
  'sh',
  'dirname',
  'readlink',
  'uname',
  'cksum',
  'tr',
  'mkdir',
  'cat',
  'rm',
  'cp',
  'mv',
  'kill',
  'sleep',
];

interface Machine {
  readonly npm?: string;
  readonly hasNode?: true;
  readonly hasHome?: false;
}

/** A checkout without packages, and the environment of a machine that has only these programs. */
async function machineWith(options: Machine) {
  const place = temporaryDir();
  const [checkout, bin] = [join(place, 'checkout'), join(place, 'bin')];
  for (const file of [
    'gatewayctl',
    'package-lock.json',
    'bootstrap/node/package.json',
    'bootstrap/node/package-lock.json',
  ]) {
    mkdirSync(dirname(join(checkout, file)), { recursive: true });
    copyFileSync(join(workTree, file), join(checkout, file));
  }
  mkdirSync(bin);
  for (const program of programs) symlinkSync((await run(['which', program])).stdout.trim(), join(bin, program));
  if (options.hasNode) symlinkSync(process.execPath, join(bin, 'node'));
  if (options.npm !== undefined) {
    writeFiles(bin, { npm: `#!/bin/sh\n${options.npm}\n` });
    chmodSync(join(bin, 'npm'), 0o755);
  }
  const env = { PATH: bin, ...(options.hasHome === false ? {} : { HOME: place }) };
  return { script: join(checkout, 'gatewayctl'), env, place };
}

async function answerWith(options: Machine) {
  const { script, env } = await machineWith(options);
  const { exitCode, stdout, stderr } = await run([script, 'status'], {
    env,
    allowedExitCodes: 'any',
  });
  expect([exitCode, stdout]).toEqual([1, '']);
  return stderr.trimEnd().split('\n').at(-1);
}

test.each([
  [{ hasHome: false }, /^E_NO_HOME {2}gatewayctl: HOME is not set/],
  [{}, /^E_NO_NPM {2}gatewayctl: neither Node 24 nor npm is installed/],
  [{ npm: 'exit 1' }, /^E_NODE_INSTALL {2}gatewayctl: npm could not download Node 24/],
  [{ npm: 'exit 0' }, /^E_NODE_INSTALL {2}gatewayctl: npm has no Node 24 package for \S+ \S+\. /],
  [{ hasNode: true }, /^E_NO_NPM {2}gatewayctl: npm is not installed, and packages have to be installed/],
  [{ hasNode: true, npm: 'exit 1' }, /^E_PACKAGES {2}gatewayctl: npm ci failed in \S+checkout\. /],
] as const)('%j: the error begins with its code', async (options, message) => {
  expect(await answerWith(options)).toMatch(message);
});

test.each(['SIGTERM', 'SIGINT'] as const)('%s stops npm too, and the lock is gone', async (signal) => {
  const npm = 'echo $$ >"$HOME/npm-pid.new"; mv "$HOME/npm-pid.new" "$HOME/npm-pid"; exec sleep 60';
  const { script, env, place } = await machineWith({ hasNode: true, npm });
  const child = spawn(script, ['status'], { env, stdio: 'ignore' });
  const file = join(place, 'npm-pid');
  const { last: pid } = await waitUntil(() => Number(readIfThere(file)), {
    isOver: (seen) => seen > 0,
    timeoutMs: 10_000,
  });
  child.kill(signal);
  const [exitCode] = await once(child, 'exit');
  expect(exitCode).toBe(signal === 'SIGTERM' ? 143 : 130);
  expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  expect(readdirSync(join(place, '.cache/taxlien-gateway'))).toEqual([]);
});
