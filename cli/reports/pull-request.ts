import { z } from 'zod';
import { UserError } from '../../host/errors.ts';
import type { GithubJob } from './github.ts';

const pageSize = 100;
const mostPages = 50;
const bot = 'github-actions[bot]';

const commentsSchema = z.array(
  z.object({ id: z.int(), body: z.string().nullish(), user: z.object({ login: z.string() }).nullish() }),
);

/**
 * Writes the one comment that carries a mark: anew, or in the place of the one that is there.
 * @param mark a hidden line in the text; only a comment of the job's own user counts
 * @throws UserError E_GITHUB
 */
export async function writeComment(job: GithubJob, pullRequest: number, mark: string, body: string): Promise<void> {
  const issues = `/repos/${job.repository}/issues`;
  const found = await findComment(job, `${issues}/${pullRequest}/comments`, mark);
  if (found === undefined) await request(job, 'POST', `${issues}/${pullRequest}/comments`, { body });
  else await request(job, 'PATCH', `${issues}/comments/${found}`, { body });
}

async function findComment(job: GithubJob, path: string, mark: string): Promise<number | undefined> {
  for (let page = 1; page <= mostPages; page += 1) {
    const answer = await request(job, 'GET', `${path}?per_page=${pageSize}&page=${page}`);
    const comments = commentsSchema.parse(answer);
    const own = comments.find(({ body, user }) => user?.login === bot && body?.includes(mark));
    if (own !== undefined) return own.id;
    if (comments.length < pageSize) return undefined;
  }
  return undefined;
}

async function request(job: GithubJob, method: string, path: string, body?: object): Promise<unknown> {
  const answer = await fetch(`${job.apiUrl}${path}`, {
    method,
    headers: {
      accept: 'application/vnd.github+json',
      authorization: `Bearer ${job.token}`,
      'x-github-api-version': '2022-11-28',
      'user-agent': 'taxlien-gateway',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    signal: AbortSignal.timeout(30_000),
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (answer.ok) return answer.json();
  throw new UserError(
    'E_GITHUB',
    `${method} ${path}: HTTP ${answer.status} (got ${(await answer.text()).slice(0, 500)})`,
    'The job needs "pull-requests: write"; a re-run helps where GitHub had a bad moment.',
  );
}
