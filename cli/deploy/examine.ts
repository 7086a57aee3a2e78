import { errorFinding, type Finding, isRefusal } from '../../host/errors.ts';
import { checkoutDir, readSource } from '../../host/git.ts';
import { findAll, type Subject } from '../../preflight/checks.ts';
import { instanceOf } from '../../settings/instance.ts';
import { loadSettings, SettingsError } from '../../settings/load.ts';
import type { Environment } from '../../settings/services.ts';
import { findEngine } from '../stack/engine.ts';
import { loginFindings } from './logins.ts';

export interface Examination {
  readonly findings: readonly Finding[];
  /** Duration of the checks that a deploy also runs, and of those that log in or decrypt. */
  readonly tookMs: { readonly checks: number; readonly logins: number };
}

export async function examine(env: Environment): Promise<Examination> {
  const started = performance.now();
  const { findings, subject } = await check(env);
  const checked = performance.now();
  // After an error, a login would only report it again.
  const hasNoErrors = subject !== undefined && findings.every(({ severity }) => severity === 'warning');
  const logins = hasNoErrors ? await loginsOrFailure(subject) : [];
  const tookMs = { checks: Math.round(checked - started), logins: Math.round(performance.now() - checked) };
  return { findings: [...findings, ...logins], tookMs };
}

/** A login that fails in another way than by its answer is a finding too: the other findings must not be lost. */
async function loginsOrFailure({ settings, docker }: Subject): Promise<readonly Finding[]> {
  try {
    return await loginFindings(settings, docker);
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return [errorFinding(error.code, error.message, error.fix)];
  }
}

async function check(env: Environment): Promise<{ findings: readonly Finding[]; subject?: Subject }> {
  const { root, docker } = await findEngine(env);
  try {
    const settings = loadSettings(instanceOf(env, root), checkoutDir);
    const subject = { settings, source: await readSource(checkoutDir), docker };
    return { findings: await findAll(subject), subject };
  } catch (error) {
    if (error instanceof SettingsError) return { findings: error.findings };
    if (isRefusal(error)) return { findings: [errorFinding(error.code, error.message, error.fix)] };
    throw error;
  }
}
