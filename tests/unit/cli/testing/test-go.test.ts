import { expect, test } from 'vitest';
import { countGoTests, type GoEvent, goJunit } from '../../../../cli/testing/test-go.ts';

const events: readonly GoEvent[] = [
  { Action: 'run', Package: 'api', Test: 'TestA' },
  { Action: 'pass', Package: 'api', Test: 'TestA', Elapsed: 0.25 },
  { Action: 'output', Package: 'api', Test: 'TestB', Output: 'want <1> & "2"\n' },
  { Action: 'fail', Package: 'api', Test: 'TestB' },
  { Action: 'skip', Package: 'api', Test: 'TestC' },
  { Action: 'fail', Package: 'api' },
  { Action: 'pass', Package: 'raw' },
  { Action: 'output', Package: 'tasks', Output: 'does not build\u0007\n' },
  { Action: 'fail', Package: 'tasks' },
];

test('each test counts once; a package counts where it fails without one', () => {
  const { passed, failed, skipped, failures } = countGoTests(events);
  expect([passed, failed, skipped]).toEqual([1, 2, 1]);
  expect(failures.map(({ pkg, name, output }) => [pkg, name, output])).toEqual([
    ['api', 'TestB', 'want <1> & "2"\n'],
    ['tasks', 'package', 'does not build\u0007\n'],
  ]);
});

test('JUnit', () => {
  expect(goJunit(events)).toMatchInlineSnapshot(`
    "<?xml version="1.0" encoding="UTF-8"?>
    <testsuite name="go" tests="4">
    <testcase classname="api" name="TestA" time="0.25"></testcase>
    <testcase classname="api" name="TestB" time="0"><failure message="failed">want &lt;1&gt; &amp; &quot;2&quot;
    </failure></testcase>
    <testcase classname="api" name="TestC" time="0"><skipped/></testcase>
    <testcase classname="tasks" name="package" time="0"><failure message="failed">does not build?
    </failure></testcase>
    </testsuite>
    "
  `);
});
