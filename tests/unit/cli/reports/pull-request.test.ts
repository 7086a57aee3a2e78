import { afterEach, beforeEach, expect, test } from 'vitest';
import { writeComment } from '../../../../cli/reports/pull-request.ts';
import { type GithubApi, serveGithubApi } from '../../../helpers/github-api.ts';

const repository = 'owner/gateway';
const token = 'token-of-the-job';
let api: GithubApi;
const write = (mark: string, body: string, given = token) =>
  writeComment({ GITHUB_API_URL: api.url, GITHUB_REPOSITORY: repository, GITHUB_TOKEN: given }, 7, mark, body);

beforeEach(async () => {
  api = await serveGithubApi({ repository, pullRequest: 7, token });
});

afterEach(() => api.stop());

test('one comment for each mark, updated in place', async () => {
  await write('<!-- dev -->', 'first <!-- dev -->');
  await write('<!-- stage -->', 'other <!-- stage -->');
  await write('<!-- dev -->', 'second <!-- dev -->');
  expect(api.comments.map(({ body }) => body)).toEqual(['second <!-- dev -->', 'other <!-- stage -->']);
  expect(api.changes).toEqual([
    'POST /repos/owner/gateway/issues/7/comments',
    'POST /repos/owner/gateway/issues/7/comments',
    'PATCH /repos/owner/gateway/issues/comments/1',
  ]);
});

test('the mark in a comment of another user is ignored, and the own comment is found on a late page', async () => {
  const user = { login: 'someone' };
  for (let id = 1; id <= 250; id += 1) api.comments.push({ id, body: 'hello <!-- dev -->', user });
  await write('<!-- dev -->', 'first <!-- dev -->');
  await write('<!-- dev -->', 'second <!-- dev -->');
  expect(api.comments).toHaveLength(251);
  expect(api.comments.at(-1)).toMatchObject({ body: 'second <!-- dev -->', user: { login: 'github-actions[bot]' } });
});

test('a refusal has the request and the answer, without the token', async () => {
  const error = await write('<!-- dev -->', 'text', 'wrong-token').catch((reason: Error) => reason);
  expect(String(error)).toContain('GET issues/7/comments?per_page=100&page=1: HTTP 401');
  expect(String(error)).not.toContain('wrong-token');
  await expect(write('<!-- dev -->', 'text', '')).rejects.toThrow('GITHUB_TOKEN (got not all of them)');
});
