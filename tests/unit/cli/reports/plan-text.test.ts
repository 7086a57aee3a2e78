import { describe, expect, test } from 'vitest';
import { type Plan, planOf } from '../../../../cli/reports/plan.ts';
import { planText } from '../../../../cli/reports/plan-text.ts';
import { readPlan } from '../../../../cli/verbs/machine/plan-comment.ts';

const change = (
  operation: 'create' | 'replace' | 'update' | 'delete',
  name: string,
  type = 'docker:index/container:Container',
) => ({
  operation,
  name,
  type,
  properties: ['image'],
});

const planFor = (changes: readonly ReturnType<typeof change>[], failure?: string): Plan =>
  planOf('dev', '0123456789ab', { changes, failed: [], errors: [], warnings: [] }, failure, [
    { service: 'gateway', ms: 1_400 },
  ]);

const firstLine = (plan: Plan) => planText(plan).split('\n')[0];

describe('the comment', () => {
  test('of a new gateway', () => {
    expect(
      planText(planFor([change('create', 'gateway-image', 'command:local:Command'), change('replace', 'gateway')])),
    ).toMatchInlineSnapshot(`
      "dev: stops and starts again: gateway.

      Plan for <code>dev</code> from <code>0123456789ab</code>.

      ## What stops

      | Service | Expected downtime of its port |
      | --- | --- |
      | gateway | 1.4 s, as in the last deploy |

      ## What changes

      | Operation | Resource | Properties |
      | --- | --- | --- |
      | create | gateway-image | image |
      | replace | gateway | image |

      <!-- taxlien-gateway plan of dev -->
      "
    `);
  });

  test('reports changes that concern data first', () => {
    const text = planText(
      planFor([change('replace', 'gateway'), change('replace', 'db'), change('delete', 'raw-volume')]),
    );
    expect(text).toMatchInlineSnapshot(`
      "**dev: data is affected (PostgreSQL's container: replace; the volume of the raw bodies: delete).** The data stays in its directory; the container or volume that opens it changes.

      Plan for <code>dev</code> from <code>0123456789ab</code>.

      ## What stops

      | Service | Expected downtime of its port |
      | --- | --- |
      | gateway | 1.4 s, as in the last deploy |
      | db | a few seconds; not measured in the last deploy |

      ## What changes

      | Operation | Resource | Properties |
      | --- | --- | --- |
      | <b>replace</b> | <b>db</b> | image |
      | <b>delete</b> | <b>raw-volume</b> | image |
      | replace | gateway | image |

      <!-- taxlien-gateway plan of dev -->
      "
    `);
  });

  test('of nothing, of changes that stop nothing, and of a first deploy of the database', () => {
    expect(
      [[], [change('update', 'dev-tag', 'command:local:Command')], [change('create', 'db')]].map((changes) =>
        firstLine(planFor(changes)),
      ),
    ).toEqual([
      'dev: nothing would change.',
      'dev: something changes, but no container stops.',
      'dev: something changes, but no container stops.',
    ]);
  });

  test('of a failed plan has the cause as text, whatever it contains', () => {
    const text = planText(planFor([], 'E_DATA_MAJOR: ```\n<img src=x> @everyone'));
    expect(text).toContain('**dev: this cannot be deployed.**');
    expect(text).toContain('````text\nE_DATA_MAJOR: ```\n<img src=x> @everyone\n````');
  });

  test('hostile names are shown literally', () => {
    const text = planText(planFor([change('replace', '<script>alert(1)</script> | @owner `x` [a](b)')]));
    expect(text).not.toMatch(/<script>|@owner|\[a\]/);
    expect(text.split('\n').filter((line) => line.startsWith('| replace'))).toHaveLength(1);
  });

  test('is never longer than GitHub accepts, and names how much it leaves out', () => {
    const long = Array.from({ length: 400 }, (_, index) => change('replace', `${index}-${'&'.repeat(190)}`));
    const text = planText(planFor(long));
    expect(text.length).toBeLessThanOrEqual(65_536);
    expect(text).toMatch(/And \d{3} more\./);
  });
});

describe('a plan from another job', () => {
  test('is read as it was printed', () => {
    const plan = planFor([change('replace', 'db')]);
    expect(readPlan(JSON.stringify(plan))).toEqual(plan);
  });

  test.each(['', '{}', '{"env":"dev","commit":"x","changes":[{}],"more":0,"stops":[]}', '{"env":"elsewhere"}'])(
    'is refused if it is none: %j',
    (text) => {
      expect(() => readPlan(text)).toThrow(/plan-comment: standard input is not a plan/);
    },
  );
});
