import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { parse } from 'yaml';
import { dataSourceUid, queryGrafana } from '../../../../cli/deploy/grafana-query.ts';
import { checkoutDir } from '../../../../host/git.ts';
import { fakeClock } from '../../../helpers/fake-clock.ts';
import { testSecrets, testSettings } from '../../../helpers/instance.ts';

interface Answer {
  readonly status: number;
  readonly body: string;
}

const frame = { schema: { refId: 'A' }, data: { values: [[1_700_000_000_000], [1]] } };
const good: Answer = { status: 200, body: JSON.stringify({ results: { A: { status: 200, frames: [frame] } } }) };
const noSample: Answer = { status: 200, body: '{"results":{"A":{"status":200,"frames":[]}}}' };
const refused: Answer = {
  status: 400,
  body: '{"results":{"A":{"error":"dial tcp: lookup prometheus: no such host","status":400}}}',
};
const noPlugin: Answer = {
  status: 404,
  body: '{"message":"Plugin not registered","messageId":"plugin.notRegistered","statusCode":404}',
};

describe('a query through Grafana', () => {
  let server: Server;
  let answers: Answer[];
  let asked: { path: string | undefined; authorization: string | undefined; body: unknown }[];
  let printed: string;

  /** Queries a Grafana that gives these answers in order, then repeats the last one. */
  async function query(...given: Answer[]): Promise<string> {
    answers = given;
    const { port } = server.address() as AddressInfo;
    const settings = testSettings({ variables: { BIND_IP: '127.0.0.1', GRAFANA_PORT: `${port}` } });
    const problem = await queryGrafana(settings, fakeClock()).then(
      () => 'answered',
      (error) => `${error.code} ${error.message}. ${error.fix}`,
    );
    return problem.replaceAll(`:${port}`, ':<port>');
  }

  beforeEach(async () => {
    asked = [];
    printed = '';
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
      printed += text;
      return true;
    });
    server = createServer(async (request: IncomingMessage, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const { authorization } = request.headers;
      asked.push({ path: request.url, authorization, body: JSON.parse(Buffer.concat(chunks).toString()) });
      const { status, body } = (answers.length > 1 ? answers.shift() : answers[0]) ?? noSample;
      response.writeHead(status, { location: 'http://127.0.0.1:1/' }).end(body);
    });
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  });

  afterEach(() => new Promise((resolve) => void server.close(resolve)));

  test.each([
    ['a sample', good],
    ['no sample yet', noSample],
  ])('accepts %s, asked once as the administrator', async (_, answer) => {
    expect(await query(answer)).toBe('answered');
    expect(asked).toEqual([
      {
        path: '/api/ds/query',
        authorization: `Basic ${Buffer.from(`admin:${testSecrets.GRAFANA_ADMIN_PASSWORD}`).toString('base64')}`,
        body: {
          from: 'now-5m',
          to: 'now',
          queries: [
            {
              refId: 'A',
              datasource: { uid: 'prometheus', type: 'prometheus' },
              expr: 'up',
              instant: true,
              range: false,
            },
          ],
        },
      },
    ]);
    expect(printed).toBe('');
  });

  test('is asked again while it fails', async () => {
    expect(await query(refused, noPlugin, good)).toBe('answered');
    expect(asked).toHaveLength(3);
  });

  test.each([
    ['a query that fails', refused, 'HTTP 400 dial tcp: lookup prometheus: no such host'],
    ['a missing plugin', noPlugin, 'HTTP 404 Plugin not registered'],
    ['a forbidden request', { status: 403, body: '{"message":"Access denied"}' }, 'HTTP 403 Access denied'],
    ['what is no JSON', { status: 502, body: 'bad gateway' }, 'HTTP 502 bad gateway'],
  ])('names %s', async (_, answer, got) => {
    const message = 'http://127.0.0.1:<port>/api/ds/query: the data source prometheus must answer a query';
    const fix = 'Read its log (docker logs taxlien-gateway-dev-grafana), then run ./gatewayctl verify dev.';
    expect(await query(answer)).toBe(`E_GRAFANA_QUERY ${message} (got ${got}). ${fix}`);
    expect(asked).toHaveLength(15);
  });

  test('names why it cannot be asked', async () => {
    const asking = query(good);
    server.close();
    expect(await asking).toContain('(got connect ECONNREFUSED 127.0.0.1:<port>)');
  });

  test('a refused login fails nothing: it is tried once and reported in a note', async () => {
    expect(await query({ status: 401, body: '{"message":"Invalid username or password"}' })).toBe('answered');
    expect(asked).toHaveLength(1);
    const text = printed.replaceAll(/:\d+\//g, ':<port>/').replace(/in \S+\/dev/, 'in <root>/dev');
    expect(text).toMatchInlineSnapshot(`
      "http://127.0.0.1:<port>/api/ds/query: the data source was not checked (got HTTP 401)
      If the password of admin was changed in the browser, set GRAFANA_ADMIN_PASSWORD in <root>/dev/.env to it.
      "
    `);
  });

  test('neither does a redirection', async () => {
    expect(await query({ status: 301, body: '' })).toBe('answered');
    expect(printed).toContain('the data source was not checked (got HTTP 301)');
  });
});

describe('what Grafana is provisioned with', () => {
  const dir = join(checkoutDir, 'monitoring/grafana/provisioning');
  const read = (path: string) => parse(readFileSync(join(dir, path), 'utf8'));

  test('has the data source that is asked', () => {
    const { datasources } = read('datasources/prometheus.yml');
    expect(datasources).toMatchObject([{ uid: dataSourceUid, type: 'prometheus' }]);
  });

  test('has each directory that Grafana reads, with files that it accepts', () => {
    const kinds = ['alerting', 'dashboards', 'datasources', 'plugins'];
    expect(readdirSync(dir).sort()).toEqual(kinds);
    for (const file of kinds.flatMap((kind) => readdirSync(join(dir, kind)).map((name) => `${kind}/${name}`))) {
      expect(file).toMatch(/\.ya?ml$/);
      expect(read(file), file).toMatchObject({ apiVersion: 1 });
    }
  });
});
