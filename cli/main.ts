import { parseArgs } from 'node:util';
import { UserError } from '../host/errors.ts';
import { note, print, terminalProgress } from '../host/output.ts';
import { adopt } from './verbs/data/adopt.ts';
import { moveData } from './verbs/data/move-data.ts';
import { rotate } from './verbs/data/rotate.ts';
import { destroy } from './verbs/deploy/destroy.ts';
import { init } from './verbs/deploy/init.ts';
import { recover } from './verbs/deploy/recover.ts';
import { refresh } from './verbs/deploy/refresh.ts';
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
import { commonOptionHelp, type Verb } from './verbs/verb.ts';

/** The verbs, in the sections of the help. */
const sections: Readonly<Record<string, Readonly<Record<string, Verb>>>> = {
  'Deploy:': { init, up, refresh, destroy, recover },
  'Inspect:': { preview, drift, doctor, status, verify, summary, images, env },
  'Data and secrets:': { rotate, 'move-data': moveData, adopt },
  'Machine and workflows:': {
    toolchain,
    sandbox,
    boot,
    runner,
    'checkout-commit': checkoutCommit,
    'plan-comment': planComment,
    test,
    exec,
  },
};

const verbs: Readonly<Record<string, Verb>> = Object.assign({}, ...Object.values(sections));

function help(): string {
  // A longer usage gets a line of its own; one column fits the others.
  const width = 44;
  const lines = (section: Readonly<Record<string, Verb>>) =>
    Object.entries(section).map(([name, { usage, summary }]) => {
      const line = `  ${name} ${usage}`;
      return line.length <= width ? `${line.padEnd(width)}  ${summary}` : `${line}\n${' '.repeat(width)}  ${summary}`;
    });
  return [
    'gatewayctl deploys taxlien-gateway to the Docker daemon of this host.',
    '',
    'Usage: ./gatewayctl <verb> ...; <env> is dev, stage or prod.',
    ...Object.entries(sections).flatMap(([title, section]) => ['', title, ...lines(section)]),
    '',
    'More about a verb: ./gatewayctl <verb> --help.',
  ].join('\n');
}

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
      `gatewayctl ${name}: wrong number of arguments (got ${positionals.join(' ') || 'none'})`,
      `Usage: ./gatewayctl ${name} ${verb.usage}`,
    );
  }
  return verb.run({ words: positionals, options: values, progress: terminalProgress() });
}

function verbHelp(name: string, verb: Verb): string {
  return [
    `Usage: ./gatewayctl ${name} ${verb.usage}`,
    '',
    verb.summary,
    ...(verb.details === undefined ? [] : ['', verb.details]),
    ...(verb.options === undefined ? [] : ['', 'Options:', ...optionLines(verb)]),
  ].join('\n');
}

function optionLines({ usage, options = {}, optionHelp }: Verb): readonly string[] {
  const helpOf = { ...commonOptionHelp, ...optionHelp };
  const rows = Object.entries(options).map(([name, { short }]) => {
    // The usage names the value: `--run <id>`.
    const long = new RegExp(`--${name}( <[^>]+>)?`).exec(usage)?.[0] ?? `--${name}`;
    return [short === undefined ? long : `-${short}, ${long}`, helpOf[name]] as const;
  });
  const width = Math.max(...rows.map(([option]) => option.length));
  return rows.map(([option, text]) => `  ${option.padEnd(width)}  ${text}`);
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
