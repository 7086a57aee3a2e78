import { expect, test } from 'vitest';
import type { DeployRecord } from '../../../../cli/deploy/record.ts';
import { deploySummary, undeployedSummary } from '../../../../cli/reports/deploy-summary.ts';
import { driftText } from '../../../../cli/verbs/look/drift.ts';

const record: DeployRecord = {
  env: 'dev',
  commit: '0123456789ab',
  run: '7-1',
  startedAt: '2026-11-23T12:00:00.000Z',
  durationMs: 43_210,
  changes: [{ operation: 'replace', name: 'gateway', type: 'docker:index/container:Container', properties: ['image'] }],
  services: [
    {
      env: 'dev',
      service: 'gateway',
      container: 'p-gateway',
      image: 'p/gateway:dev-0123456789ab',
      address: '127.0.10.1:8081',
      health: 'healthy',
    },
    { env: 'dev', service: 'db', container: 'p-db', image: 'p/db:dev', address: '', health: 'healthy' },
  ],
  downtime: [{ service: 'gateway', ms: 1_234 }],
  warnings: ['the disk is | nearly *full*'],
};

/** As a reader sees it: the escapes are only there for the renderer. */
const shown = (text: string) =>
  text.replaceAll(/&#(\d+);/g, (_, digits: string) => String.fromCharCode(Number(digits)));

test('a good deploy', () => {
  expect(shown(deploySummary(record))).toMatchInlineSnapshot(`
    "# dev: deployed

    Commit <code>0123456789ab</code>, 1 change, 43.2 s.

    ## What runs

    | Service | Image | Address | Health | Downtime |
    | --- | --- | --- | --- | --- |
    | gateway | <code>p/gateway:dev-0123456789ab</code> | <code>127.0.10.1:8081</code> | healthy | 1.3 s |
    | db | <code>p/db:dev</code> | not published | healthy | - |

    ## What changed

    | Operation | Resource | Properties |
    | --- | --- | --- |
    | replace | gateway | image |

    ## Warnings

    - the disk is | nearly *full*
    "
  `);
});

test('a failed deploy: phase and cause first, whatever the cause contains', () => {
  const cause = ['```', '<script>', 'panic: broken'].join('\n');
  const text = deploySummary({ ...record, failure: { phase: 'start gateway', cause } });
  expect(shown(text)).toContain('# dev: the deploy failed\n');
  expect(text).toContain('## Failed: start gateway\n\n````text\n```\n<script>\npanic: broken\n````\n');
});

test('of a long cause the last lines', () => {
  const cause = Array.from({ length: 100 }, (_, index) => `line ${index}`).join('\n');
  const text = deploySummary({ ...record, failure: { phase: 'start gateway', cause } });
  expect(text).toContain('text\n(40 lines before)\nline 40\n');
  expect(text).toContain('line 99\n```');
});

test('text from outside is no Markdown and no HTML', () => {
  expect(deploySummary(record)).toContain('- the disk is &#124; nearly &#42;full&#42;\n');
});

test('a run without a deploy shows the findings of the doctor', () => {
  const taken = { code: 'E_PORT_TAKEN', severity: 'error', message: 'a: is taken (got b)', fix: 'Stop b.' } as const;
  const text = shown(undeployedSummary('dev', [taken, { ...taken, why: 'It cannot start.' }]));
  expect(text).toContain('- E_PORT_TAKEN  a: is taken (got b). Stop b.\n');
  expect(text).toContain('- E_PORT_TAKEN  a: is taken (got b). It cannot start. Stop b.\n');
  expect(undeployedSummary('dev', [])).toContain('No problems found.');
});

test('drift: what is gone, what is stopped, and which properties differ', () => {
  const container = { type: 'docker:index/container:Container' };
  const text = driftText('dev', [
    { ...container, operation: 'delete', name: 'redis', properties: [] },
    { ...container, operation: 'update', name: 'gateway', properties: ['memory'] },
    { ...container, operation: 'update', name: 'db', properties: ['mustRun'], isStopped: true },
    {
      ...container,
      operation: 'update',
      name: 'grafana',
      properties: ['memory', 'mustRun', 'ports[0]'],
      isStopped: true,
    },
    { ...container, operation: 'update', name: 'prometheus', properties: ['mustRun'] },
  ]);
  expect(shown(text)).toBe(
    [
      '# dev: changed by hand',
      '',
      '- redis: is gone',
      '- gateway: differs in memory',
      '- db: is stopped',
      '- grafana: is stopped and differs in memory',
      '- prometheus: differs in mustRun',
      '',
      '<code>./gatewayctl up dev</code> repairs it.',
    ].join('\n'),
  );
  expect(driftText('dev', [])).toBe('dev: nothing was changed by hand.');
});
