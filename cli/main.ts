import { parseArgs } from 'node:util';
import { UserError } from '../host/errors.ts';
import { note, print, table, terminalProgress } from '../host/output.ts';
import { adopt } from './verbs/deploy/adopt.ts';
import { destroy } from './verbs/deploy/destroy.ts';
import { init } from './verbs/deploy/init.ts';
import { moveData } from './verbs/deploy/move-data.ts';
import { recover } from './verbs/deploy/recover.ts';
import { refresh } from './verbs/deploy/refresh.ts';
import { rotate } from './verbs/deploy/rotate.ts';
import { up } from './verbs/deploy/up.ts';
import { doctor } from './verbs/look/doctor.ts';
import { drift } from './verbs/look/drift.ts';
import { env } from './verbs/look/env.ts';
import { images } from './verbs/look/images.ts';
import { preview } from './verbs/look/preview.ts';
import { status } from './verbs/look/status.ts';
import { summary } from './verbs/look/summary.ts';
import { verify } from './verbs/look/verify.ts';
import { boot } from './verbs/machine/boot.ts';
import { checkoutCommit } from './verbs/machine/checkout-commit.ts';
import { exec } from './verbs/machine/exec.ts';
import { planComment } from './verbs/machine/plan-comment.ts';
import { runner } from './verbs/machine/runner.ts';
import { sandbox } from './verbs/machine/sandbox.ts';
import { test } from './verbs/machine/test.ts';
import { toolchain } from './verbs/machine/toolchain.ts';
import type { Verb } from './verbs/verb.ts';

const verbs: Readonly<Record<string, Verb>> = {
  init,
  up,
  preview,
  refresh,
  destroy,
  recover,
  doctor,
  'plan-comment': planComment,
  drift,
  status,
  images,
  summary,
  verify,
  rotate,
  'move-data': moveData,
  adopt,
  boot,
  runner,
  env,
  toolchain,
  'checkout-commit': checkoutCommit,
  sandbox,
  test,
  exec,
};

const help = () =>
  [
    'gatewayctl: deploys taxlien-gateway to the Docker daemon of this host',
    '',
    'usage: ./gatewayctl <verb> ...; <env> is dev, stage or prod',
    '',
    table(Object.entries(verbs).map(([name, { usage, summary }]) => [`  ${name} ${usage}`, summary])),
    '',
    './gatewayctl <verb> --help tells more of a verb.',
  ].join('\n');

async function main([name, ...rest]: readonly string[]): Promise<number> {
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    print(help());
    return name === undefined ? 1 : 0;
  }
  const verb = Object.hasOwn(verbs, name) ? verbs[name] : undefined;
  if (verb === undefined) {
    throw new UserError('E_USAGE', `gatewayctl: no such verb (got ${name})`, 'Run ./gatewayctl --help.');
  }
  const { values, positionals } = parse(name, verb, rest);
  if (values.help === true) {
    print(verbHelp(name, verb));
    return 0;
  }
  const [least, most] = verb.words;
  if (positionals.length < least || positionals.length > most) {
    throw new UserError(
      'E_USAGE',
      `gatewayctl ${name}: wrong number of words (got ${positionals.join(' ') || 'none'})`,
      `Usage: ./gatewayctl ${name} ${verb.usage}`,
    );
  }
  return verb.run({ words: positionals, options: values, progress: terminalProgress() });
}

function verbHelp(name: string, verb: Verb): string {
  return [
    `usage: ./gatewayctl ${name} ${verb.usage}`,
    '',
    verb.summary,
    ...(verb.details === undefined ? [] : ['', verb.details]),
  ].join('\n');
}

function parse(name: string, verb: Verb, args: readonly string[]) {
  try {
    const options = { ...verb.options, help: { type: 'boolean', short: 'h' } } as const;
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
    return { values: values as Record<string, string | boolean | undefined>, positionals };
  } catch (error) {
    throw new UserError(
      'E_USAGE',
      `gatewayctl ${name}: ${(error as Error).message}`,
      `Usage: ./gatewayctl ${name} ${verb.usage}`,
      { cause: error },
    );
  }
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (error instanceof UserError) {
    note(error.text);
    process.exitCode = 1;
  } else {
    note(`E_DEFECT  gatewayctl: this program has a defect\n${error instanceof Error ? error.stack : String(error)}`);
    process.exitCode = 70;
  }
}
