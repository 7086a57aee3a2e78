import { z } from 'zod';
import { UserError } from '../../host/errors.ts';

const pageSize = 100;
const bot = 'github-actions[bot]';

const commentsSchema = z.array(
  z.object({ id: z.int(), body: z.string().nullish(), user: z.object({ login: z.string() }).nullish() }),
);

/**
 * Creates or updates the comment that contains a mark. `gh pr comment --edit-last` knows no mark: it would overwrite a
 * comment of another workflow by the same user.
 * @param job variables of a job of GitHub Actions, with its token
 * @param mark a hidden line in the text; only a comment of the job's own user counts
 * @throws UserError E_GITHUB
 */
export async function writeComment(
  job: NodeJS.ProcessEnv,
  pullRequest: number,
  mark: string,
  body: string,
): Promise<void> {
  const path = `issues/${pullRequest}/comments`;
  for (let page = 1; ; page += 1) {
    const answer = await request(job, 'GET', `${path}?per_page=${pageSize}&page=${page}`);
    const comments = commentsSchema.parse(answer);
    const own = comments.find((comment) => comment.user?.login === bot && comment.body?.includes(mark));
    if (own !== undefined) return void (await request(job, 'PATCH', `issues/comments/${own.id}`, { body }));
    if (comments.length < pageSize) return void (await request(job, 'POST', path, { body }));
  }
}

async function request(job: NodeJS.ProcessEnv, method: string, path: string, body?: object): Promise<unknown> {
  const { GITHUB_API_URL: api, GITHUB_REPOSITORY: repository, GITHUB_TOKEN: token } = job;
  const refuse = (what: string, fix: string) => new UserError('E_GITHUB', `${method} ${path}: ${what}`, fix);
  if (!api || !repository || !token) {
    const names = 'GITHUB_API_URL, GITHUB_REPOSITORY, GITHUB_TOKEN';
    throw refuse(
      `requires ${names} (got not all of them)`,
      'Run it in a job of GitHub Actions, with its token as env.',
    );
  }
  const answer = await fetch(`${api}/repos/${repository}/${path}`, {
    method,
    headers: {
      accept: 'application/vnd.github+json',
      authorization: `Bearer ${token}`,
      'x-github-api-version': '2022-11-28',
      'user-agent': 'taxlien-gateway',
    },
    signal: AbortSignal.timeout(30_000),
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (answer.ok) return answer.json();
  throw refuse(
    `HTTP ${answer.status} (got ${(await answer.text()).slice(0, 500)})`,
    'The job requires "pull-requests: write"; if GitHub failed, run the job again.',
  );
}
