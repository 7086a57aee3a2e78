import { readFileSync } from 'node:fs';
import { ownEnvironment } from '../../../host/environment.ts';
import { UserError } from '../../../host/errors.ts';
import { print } from '../../../host/output.ts';
import { parseJson } from '../../../host/whole-file.ts';
import { type Plan, planSchema } from '../../reports/plan.ts';
import { commentMark, planText } from '../../reports/plan-text.ts';
import { writeComment } from '../../reports/pull-request.ts';
import type { Verb } from '../verb.ts';

export const planComment: Verb = {
  usage: '<pull-request>',
  summary: "write a plan as the pull request's comment",
  details:
    'Reads the output of `preview --json` from standard input; in a job of GitHub Actions, with GITHUB_TOKEN. One comment per environment, updated in place.',
  words: [1, 1],
  async run({ words }) {
    const pullRequest = Number(words[0]);
    if (!Number.isSafeInteger(pullRequest) || pullRequest < 1) {
      throw new UserError(
        'E_USAGE',
        `plan-comment: must be the number of a pull request (got ${words[0]})`,
        'Usage: ./gatewayctl plan-comment <pull-request>',
      );
    }
    const plan = readPlan(readFileSync(0, 'utf8'));
    const body = planText(plan);
    await writeComment(ownEnvironment, pullRequest, commentMark(plan.env), body);
    print(body);
    return 0;
  },
};

/** @throws UserError E_PLAN */
export function readPlan(text: string): Plan {
  const { data, error } = planSchema.safeParse(parseJson(text));
  if (data !== undefined) return data;
  const where = error.issues.map(({ path, message }) => `${path.join('.') || 'all of it'}: ${message}`).join('; ');
  throw new UserError(
    'E_PLAN',
    `plan-comment: standard input is not a plan (${where})`,
    'Pipe the output of ./gatewayctl preview <env> --on-copy --json.',
  );
}
